// Uploads that break the form of a multipart body, and addresses that lead nowhere.
import { BOUNDARY, multipart, MULTIPART, type Part } from "../support/multipart.js";
import { filePart, GOOD_ZIP, uploadOf, type HostileInput, type HostileRequest, type Way } from "./hostile-input.js";

const CONFIG: Part = { name: "config", content: '{"name":"new"}' };
const BATCH = filePart("batches", GOOD_ZIP);
const GOOD = [CONFIG, BATCH];

type Refusal = Pick<HostileInput, "code"> & Partial<HostileInput>;

function parts(title: string, refusal: Refusal, sent: Part[], way?: Way, end?: string): HostileInput {
  return { title: `multipart: ${title}`, status: 400, request: () => uploadOf(sent, way, end), ...refusal };
}

/** A body as it is, under this media type. */
function bytes(title: string, refusal: Refusal, body: string | Buffer, type = MULTIPART): HostileInput {
  const request = (): HostileRequest => ({
    ...uploadOf([]),
    headers: { "Content-Type": type },
    body: Buffer.from(body),
  });
  return { title: `multipart: ${title}`, status: 400, request, ...refusal };
}

const named = (code: string, place: string): Refusal => ({ code, place });
const stray = (place: string) => named("invalid_request", place);
const unexpected = (place: string) => named("unexpected_part", place);
const BROKEN = { code: "broken_multipart" };

const field = (name: string, content = "x"): Part => ({ name, content });

const FORMS: HostileInput[] = [
  parts("no part at all", { code: "invalid_request", place: "/config" }, []),
  parts("no config", stray("/config"), [BATCH]),
  parts("no archive", named("missing_part", "batch"), [CONFIG]),
  parts(
    "no archive for a chain",
    { code: "invalid_config" },
    [{ ...CONFIG, content: '[{"name":"new","script":"a.zip"}]' }],
    "chains",
  ),
  parts("an archive that is no file", stray("/batch"), [CONFIG, field("batch")]),
  parts("two archives", unexpected("batch"), [...GOOD, BATCH]),
  parts("two archives, one empty", unexpected("batch"), [...GOOD, { ...BATCH, content: "" }]),
  parts("two configs", stray("/config"), [CONFIG, ...GOOD]),
  parts("two config files", unexpected("config"), [
    { ...CONFIG, fileName: "a.json" },
    { ...CONFIG, fileName: "b.json" },
    BATCH,
  ]),
  parts("a config as a field and as a file", { code: "invalid_config" }, [
    { ...CONFIG, content: '{"name":""}' },
    { ...CONFIG, content: '{"name":""}', fileName: "a" },
    BATCH,
  ]),
  parts("a chain's part for one batch", unexpected("batches"), [CONFIG, filePart("chains", GOOD_ZIP)]),
  parts("one batch's part for a chain", unexpected("batch"), [CONFIG, BATCH], "chains"),
  parts(
    "101 archives for a chain",
    unexpected("batches"),
    [CONFIG, ...Array.from({ length: 101 }, () => filePart("chains", GOOD_ZIP))],
    "chains",
  ),
  parts("another file", unexpected("zip"), [...GOOD, { ...BATCH, name: "zip" }]),
  parts("another field", stray("/note"), [...GOOD, field("note")]),
  parts("a field with the service's own word", stray("/id"), [...GOOD, field("id", "1")]),
  parts("a field that nests", stray("/a"), [...GOOD, field("a[b][c]")]),
  parts("a field that nests deep", stray("/a"), [...GOOD, field(`a${"[b]".repeat(2000)}`)]),
  parts("a field of JavaScript", stray("/__proto__"), [...GOOD, field("__proto__")]),
  parts("a field of JavaScript that nests", stray("/__proto__"), [...GOOD, field("__proto__[x]")]),
  parts("a field of JavaScript's makers", stray("/constructor"), [...GOOD, field("constructor[prototype][x]")]),
  parts("a file of JavaScript", unexpected("__proto__"), [...GOOD, { ...BATCH, name: "__proto__" }]),
  parts("200 fields", { code: "unexpected_part" }, [...GOOD, ...Array.from({ length: 200 }, (_, i) => field(`f${i}`))]),
  parts(
    "300 parts",
    { code: "unexpected_part" },
    Array.from({ length: 300 }, () => BATCH),
  ),
  parts("a field without a name", { code: "unexpected_part" }, [
    ...GOOD,
    { name: "", content: "x", header: "Content-Disposition: form-data" },
  ]),
  parts("a file without a name", { code: "unexpected_part" }, [CONFIG, { ...BATCH, name: "" }]),
  parts("a field name of 10 KB", stray(`/${"n".repeat(200)}…`), [...GOOD, field("n".repeat(10_240))]),
];

const begun = multipart(GOOD, "").subarray(0, -20);

const WIRES: HostileInput[] = [
  parts("no end", BROKEN, GOOD, "batches", ""),
  parts("an end cut in half", BROKEN, GOOD, "batches", `--${BOUNDARY}`),
  bytes("breaks off inside the archive", BROKEN, begun),
  bytes("breaks off inside a header", BROKEN, `--${BOUNDARY}\r\nContent-Disposition: form-da`),
  bytes("breaks off behind a header", BROKEN, `--${BOUNDARY}\r\nContent-Disposition: form-data; name="config"\r\n\r\n`),
  bytes("another boundary than was said", BROKEN, multipart(GOOD), "multipart/form-data; boundary=another"),
  bytes("no boundary", BROKEN, multipart(GOOD), "multipart/form-data"),
  bytes("an empty boundary", stray("/config"), multipart(GOOD), "multipart/form-data; boundary="),
  bytes("a boundary of 1000 letters", BROKEN, multipart(GOOD), `multipart/form-data; boundary=${"x".repeat(1000)}`),
  bytes("nothing", BROKEN, ""),
  bytes("rubbish", BROKEN, Buffer.alloc(10_000, "rubbish")),
  bytes("only an end", { code: "invalid_request", place: "/config" }, `--${BOUNDARY}--\r\n`),
  parts("a part without a header", BROKEN, [{ name: "", header: "no header at all", content: "" }, ...GOOD]),
  parts("a part with a header of 100 KB", BROKEN, [{ ...CONFIG, header: `X: ${"x".repeat(100_000)}` }, BATCH]),
  parts("a part with 3000 headers", BROKEN, [{ ...CONFIG, header: "X: x\r\n".repeat(3000).trimEnd() }, BATCH]),
  ...[".", "..", "/"].map((fileName) =>
    parts(`a file named "${fileName}"`, named("missing_part", "batch"), [CONFIG, { ...BATCH, fileName }]),
  ),
  parts("a file with an empty file name", stray("/batch"), [CONFIG, { ...BATCH, fileName: "" }]),
  parts("a NUL in a file name", BROKEN, [CONFIG, { ...BATCH, fileName: "a\0.zip" }]),
  parts("bytes that are no header", BROKEN, [{ ...CONFIG, header: "\0\x01\x02: \xff" }, BATCH]),
  ...[
    "application/json",
    "application/x-www-form-urlencoded",
    "application/zip",
    "multipart/mixed; boundary=x",
    "text/plain",
    "",
  ].map((type) => bytes(`media type "${type}"`, { status: 415, code: "not_multipart" }, multipart(GOOD), type)),
];

/** A good upload to an address that cannot be. */
function address(reference: string, refusal: Refusal): HostileInput {
  const request = () => ({ ...uploadOf(GOOD), path: `/api/v1/batches/${reference}/successors` });
  return { title: `address: ${reference.slice(0, 60)}`, status: 400, request, ...refusal };
}

const NO_REFERENCE = { code: "invalid_request", place: "path/id" };
const UNDECODABLE = { code: "invalid" };
const NOBODY = { status: 404, code: "not_found" };

const ADDRESSES: HostileInput[] = [
  ...[
    "..%2f..%2fetc%2fpasswd",
    "..%5c..",
    "%2f",
    "%00",
    "base%00",
    "%0d%0aX:%20y",
    "%1b",
    "%e2%80%ae",
    "9".repeat(300),
  ].map((reference) => address(reference, NO_REFERENCE)),
  ...["%", "%c0%ae%c0%ae", "%ff", "%E0%A4%A"].map((reference) => address(reference, UNDECODABLE)),
  ...[
    "0",
    "-1",
    "1e3",
    "0x1",
    "1%20or%201=1",
    "1abc",
    "1.0",
    "999999999",
    "9999999999",
    "%D9%A1",
    "__proto__",
    "*",
    "$(id)",
  ].map((reference) => address(reference, NOBODY)),
  { ...address("base/successors/x", { status: 404, code: "no_such_route" }) },
];

export const MULTIPARTS: HostileInput[] = [...FORMS, ...WIRES, ...ADDRESSES];

/** Uploads whose sender hangs up after so many bytes, and whether some of it is on disk by then. */
export const HANG_UPS: { title: string; after: number; received: boolean }[] = [
  { title: "at once", after: 0, received: false },
  { title: "inside the config", after: multipart([CONFIG], "").length - 6, received: false },
  { title: "before the archive", after: multipart([CONFIG], "").length, received: false },
  { title: "inside the archive", after: multipart([CONFIG, BATCH], "").length - 60, received: true },
  { title: "before the end", after: multipart([CONFIG, BATCH], "").length, received: true },
];

/** What they would have sent. */
export const WHOLE_UPLOAD = uploadOf(GOOD);
