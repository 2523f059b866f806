// What an entry of the hostile list is, and the requests that bring it to the service.
import { multipart, MULTIPART, type Part } from "../support/multipart.js";
import { craftZip, type CraftedEntry } from "../support/zips.js";

/** A request as it goes over the wire. */
export interface HostileRequest {
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** One request that must be refused, and how. */
export interface HostileInput {
  title: string;
  status: number;
  code: string;
  /** The entry, key or part that `errors` must name; "" is the archive or the document as a whole. */
  place?: string;
  /** Words that the refusal must have. */
  says?: RegExp;
  /** Made when it is its turn: some are large. */
  request: () => Promise<HostileRequest> | HostileRequest;
}

/** An archive that must be refused. */
export interface HostileZip extends Omit<HostileInput, "request"> {
  zip: () => Promise<Buffer> | Buffer;
}

/** A batch config that must be refused; `text` goes into the request as it is. */
export interface HostileConfig extends Omit<HostileInput, "request"> {
  text: string;
  /** It cannot be put into a chain's array without becoming another fault. */
  alone?: boolean;
}

/** The batch that is there already. */
export const BASE = "base";

/** A good script, to stand beside whatever is bad. */
export const SCRIPT: CraftedEntry = { name: "script.sh", content: "echo hello\n" };

export const GOOD_ZIP = craftZip([SCRIPT]);

/** The three ways in for an archive. */
export const WAYS = ["batches", "chains", "successors"] as const;
export type Way = (typeof WAYS)[number];

const PATHS: Record<Way, string> = {
  batches: "/api/v1/batches",
  chains: "/api/v1/chains",
  successors: `/api/v1/batches/${BASE}/successors`,
};

/** An upload of these very parts. */
export function uploadOf(parts: Part[], way: Way = "batches", end?: string): HostileRequest {
  return { path: PATHS[way], headers: { "Content-Type": MULTIPART }, body: multipart(parts, end) };
}

/** The file part of a way in. */
export function filePart(way: Way, content: Buffer): Part {
  return { name: way === "chains" ? "batches" : "batch", content, fileName: "a.zip" };
}

/** Sends an archive beside a good config. */
export function withZip({ zip, ...expected }: HostileZip, way: Way): HostileInput {
  const config = way === "chains" ? '[{"name":"new","script":"a.zip"}]' : '{"name":"new"}';
  const request = async () => uploadOf([{ name: "config", content: config }, filePart(way, await zip())], way);
  return { ...expected, title: `${way}: ${expected.title}`, request };
}

/** Sends a config beside a good archive; for a chain the text of its object becomes an array of one. */
export function withConfig({ text, alone, ...expected }: HostileConfig, turn: Way): HostileInput {
  const way = alone ? "batches" : turn;
  const inArray = text.replace(/^\{(?=(.?))/s, (_, next) => `[{"script":"a.zip"${next === "}" ? "" : ","}`) + "]";
  const [content, at] = way === "chains" ? [inArray, "/0"] : [text, ""];
  const place = expected.place === undefined ? {} : { place: at + expected.place };
  const request = () => uploadOf([{ name: "config", content }, filePart(way, GOOD_ZIP)], way);
  return { ...expected, ...place, title: `${way}: ${expected.title}`, request };
}
