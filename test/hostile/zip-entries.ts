// Entries that are no plain files, or whose headers lie about their data.
import { constants, deflateRawSync } from "node:zlib";
import { craftZip, type CraftedEntry } from "../support/zips.js";
import { SCRIPT, type HostileZip } from "./hostile-input.js";

const MIB = 1024 ** 2;

/** A bad entry called x, if it has no other name, beside a good script. */
function entry(title: string, code: string, bad: Partial<CraftedEntry>): HostileZip {
  const name = bad.name ?? "x";
  return { title, status: 422, code, place: String(name), zip: () => craftZip([SCRIPT, { name, ...bad }]) };
}

const LINK = "link_or_special";
const link = { content: "/etc/passwd", method: 0, mode: 0o120777 };

const KINDS: HostileZip[] = [
  entry("a symbolic link", LINK, link),
  entry("a symbolic link to a file of the archive", LINK, { ...link, content: "script.sh" }),
  entry("a symbolic link with a folder's name", LINK, { ...link, name: "x/" }),
  entry("a symbolic link said to be made on MS-DOS", LINK, { ...link, madeBy: 0 }),
  {
    title: "a symbolic link in place of the script",
    ...{ status: 422, code: LINK, place: "script.sh" },
    zip: () => craftZip([{ ...link, name: "script.sh" }]),
  },
  {
    title: "a symbolic link and a file to be written through it",
    ...{ status: 422, code: LINK, place: "x" },
    zip: () => craftZip([SCRIPT, { ...link, name: "x", content: "/tmp" }, { name: "x/evil", content: "x" }]),
  },
  entry("a pipe", LINK, { mode: 0o010644 }),
  entry("a character device", LINK, { mode: 0o020644 }),
  entry("a folder by its type, a file by its name", LINK, { mode: 0o040755 }),
  entry("a block device", LINK, { mode: 0o060644 }),
  entry("a socket", LINK, { mode: 0o140644 }),
  entry("a type that does not exist", LINK, { mode: 0o170644 }),
  entry("a folder with data", "bad_zip", { name: "x/", content: "data" }),
];

const ENCRYPTED: HostileZip[] = [
  entry("an encrypted entry", "encrypted", { content: "secret", flags: 0x0801 }),
  entry("a strongly encrypted entry", "encrypted", { content: "secret", flags: 0x0841 }),
  entry("an entry encrypted by another flag", "encrypted", { content: "secret", flags: 0x0840 }),
  entry("an encrypted list of entries", "encrypted", { content: "secret", flags: 0x2800 }),
  ...[1, 6, 9, 12, 14, 93, 95, 97, 98, 99, 65_535].map((method) =>
    entry(`packed by method ${method}`, "unsupported_compression", { content: "data", method }),
  ),
];

const zeros = Buffer.alloc(MIB);
const BROKEN = "bad_zip";

const LIES: HostileZip[] = [
  entry("both checksums wrong", BROKEN, { content: "data", crc: 1 }),
  entry("the central checksum wrong", BROKEN, { content: "data", crc: 1, local: { crc: 0xadf3f363 } }),
  entry("the local checksum wrong", BROKEN, { content: "data", local: { crc: 1 } }),
  entry("a checksum of nothing", BROKEN, { crc: 1, method: 0 }),
  entry("said to be small, really large", BROKEN, { content: zeros, size: 10 }),
  entry("said to be empty, really large", BROKEN, { content: zeros, size: 0 }),
  entry("said to be larger than it is", BROKEN, { content: "data", size: 5 }),
  entry("said to be 5 MB, really 80 bytes", BROKEN, { content: "x".repeat(80), size: 5 * MIB }),
  entry("stored with two sizes", BROKEN, { content: "data", method: 0, size: 9 }),
  entry("data that was never deflated", BROKEN, { packed: Buffer.from("rubbish!"), size: 4 }),
  entry("deflated data that ends early", BROKEN, { packed: deflateRawSync("data").subarray(0, -2), size: 4 }),
  entry("deflated data that refers to nothing", BROKEN, { packed: Buffer.from("0b020100", "hex"), size: 4 }),
  entry("deflated data without an end", BROKEN, { packed: flushed("data"), size: 4, crc: 0xadf3f363 }),
  entry("packed data missing", BROKEN, { packed: Buffer.alloc(0), size: 4, crc: 0xadf3f363 }),
  entry("another name in front of the data", BROKEN, { content: "data", local: { name: "y" } }),
  entry("a path out of the folder in front of the data", BROKEN, { content: "data", local: { name: "../y" } }),
  entry("another size in front of the data", BROKEN, { content: "data", local: { size: 5 } }),
  entry("another packed size in front of the data", BROKEN, { content: "data", local: { compressedSize: 5 } }),
  entry("encrypted only in front of the data", BROKEN, { content: "data", local: { flags: 0x0801 } }),
  entry("another method in front of the data", BROKEN, { content: "data", local: { method: 0 } }),
  {
    title: "the last of many damaged",
    ...{ status: 422, code: BROKEN, place: "last" },
    zip: () => craftZip([SCRIPT, ...many(20), { name: "last", content: "data", crc: 1 }]),
  },
  {
    title: "no header where the first entry should begin",
    ...{ status: 422, code: BROKEN, place: "script.sh" },
    zip: () => withoutHeader(),
  },
  {
    title: "an archive inside that other programs would take for the whole",
    ...{ status: 422, code: BROKEN },
    zip: () => archiveInside(),
  },
];

const OVERLAP = "overlapping_entries";

const OVERLAPS: HostileZip[] = [
  entry("data that reaches into the list of entries", OVERLAP, { content: "data", compressedSize: 2000 }),
  entry("data far outside of the archive", OVERLAP, { content: "data", offset: 0x7fffffff }),
  {
    ...entry("an entry inside another one's header", OVERLAP, { ghost: true, offset: 5 }),
    place: "script.sh",
  },
  {
    title: "80 entries that share their data",
    ...{ status: 422, code: OVERLAP, place: "copy0" },
    zip: () => sharedData(80, Buffer.alloc(100 * 1024, "data")),
  },
  {
    title: "entries that overlap by their extra fields",
    ...{ status: 422, code: OVERLAP, place: "a" },
    zip: () => sharedByExtraField(),
  },
  {
    title: "an entry whose deflated data quotes the header of the next",
    ...{ status: 422, code: OVERLAP, place: "a" },
    zip: () => quotedHeader(),
  },
];

export const ZIP_ENTRIES: HostileZip[] = [...KINDS, ...ENCRYPTED, ...LIES, ...OVERLAPS];

function many(count: number): CraftedEntry[] {
  return Array.from({ length: count }, (_, n) => ({ name: `good${n}`, content: "data" }));
}

/** Deflated, but without the block that says it is the last. */
function flushed(text: string): Buffer {
  return deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH });
}

const SCRIPT_END = craftZip([SCRIPT]).indexOf("PK\x01\x02");
const HEADER_BYTES = 30;

/** Packed data that every entry points to: a small file that would unpack to a huge one. */
export function sharedData(copies: number, content: Buffer, claims: Partial<CraftedEntry> = {}): Buffer {
  const packed = deflateRawSync(content);
  const data = { content, packed, ...claims };
  const ghosts = Array.from({ length: copies }, (_, n): CraftedEntry => {
    return { ...data, name: `copy${n + 1}`, ghost: true, offset: SCRIPT_END };
  });
  return craftZip([SCRIPT, { ...data, name: "copy0" }, ...ghosts]);
}

/** The script's header begins with "PK", but then is no header. */
function withoutHeader(): Buffer {
  const zip = craftZip([SCRIPT]);
  zip.fill(0, 2, 4);
  return zip;
}

/** A mark before the end record makes some programs search on, and settle for the end record of the archive inside. */
function archiveInside(): Buffer {
  const first = { name: "data" };
  const start = craftZip([first]).indexOf("PK\x01\x02") + HEADER_BYTES + "inner.zip".length;
  const content = craftZip([first, SCRIPT], { prefix: Buffer.alloc(start) }).subarray(start);
  return craftZip([first, { name: "inner.zip", content, method: 0 }, SCRIPT, { name: "x", comment: "PK\x06\x07" }]);
}

/** Entry "a" whose extra field swallows the header of "b", so that both use the same data. */
function sharedByExtraField(): Buffer {
  const data = { content: "d", method: 0 };
  const header = craftZip([{ name: "b", ...data }]).subarray(0, HEADER_BYTES + 1);
  const a = { name: "a", ...data, local: { extra: header } };
  return craftZip([SCRIPT, a, { name: "b", ...data, ghost: true, offset: SCRIPT_END + HEADER_BYTES + 1 }]);
}

/** Entry "a" unpacks to the header of "b", in a block of its own, and then to the data of "b" too. */
function quotedHeader(): Buffer {
  const b = { name: "b", content: "data" };
  const header = craftZip([b]).subarray(0, HEADER_BYTES + 1);
  const block = Buffer.from([0, header.length, 0, ~header.length & 0xff, 0xff]);
  const packed = Buffer.concat([block, header, deflateRawSync("data")]);
  const a = { name: "a", content: Buffer.concat([header, Buffer.from("data")]), packed };
  return craftZip([SCRIPT, a, { ...b, ghost: true, offset: SCRIPT_END + HEADER_BYTES + 1 + block.length }]);
}
