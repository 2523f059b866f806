// Archives that are odd as a whole, too large, or have no script that bash could run.
import { randomBytes } from "node:crypto";
import { constants, crc32, deflateRawSync, gzipSync } from "node:zlib";
import { craftZip, zipOf, type CraftedArchive, type CraftedEntry, type ZipFiles } from "../support/zips.js";
import { SCRIPT, type HostileZip } from "./hostile-input.js";
import { sharedData } from "./zip-entries.js";

const KIB = 1024;
const MIB = 1024 * KIB;

const broken = (title: string, zip: () => Buffer): HostileZip => {
  return { title, status: 422, code: "bad_zip", place: "", zip };
};
const odd = (title: string, archive: CraftedArchive) => broken(title, () => craftZip([SCRIPT], archive));

const END = "PK\x05\x06";
const LIST = "PK\x01\x02";

/** The script's archive, cut off so many bytes behind the first place of a signature. */
function cut(title: string, signature: string, bytes: number): HostileZip {
  return broken(`cut off ${title}`, () => {
    const zip = craftZip([SCRIPT, { name: "x", content: "data" }]);
    return zip.subarray(0, zip.indexOf(signature) + bytes);
  });
}

const WHOLES: HostileZip[] = [
  odd("another entry's header in front", { prefix: Buffer.from("PK\x03\x04 hidden entry here........") }),
  odd("the mark of a split archive in front", { prefix: Buffer.from("PK\x07\x08") }),
  odd("bytes behind the end", { suffix: Buffer.from("junk") }),
  odd("a page behind the end", { suffix: Buffer.from("<script>alert(1)</script>") }),
  odd("70 KB behind the end", { suffix: Buffer.alloc(70 * KIB) }),
  odd("a second, empty end record", { suffix: craftZip([]) }),
  odd("a second end record in the comment", { comment: craftZip([]) }),
  odd("a whole second archive behind it", { suffix: craftZip([{ name: "script.sh", content: "other" }]) }),
  odd("claims more entries than it has", { count: 2 }),
  odd("claims 9999 entries", { count: 9999 }),
  odd("claims no entries", { count: 0 }),
  odd("part of a split archive", { disk: 1 }),
  odd("with entries on other disks", { diskCount: 0 }),
  odd("its zip64 record elsewhere", { zip64: { recordOffset: 0 } }),
  odd("its zip64 record far outside", { zip64: { recordOffset: 2 ** 53 } }),
  odd("a zip64 record that counts otherwise", { count: 1, zip64: { count: 2 } }),
  odd("a short record that counts otherwise", { count: 5, zip64: {} }),
  cut("inside the first header", "PK\x03\x04", 10),
  cut("inside the data", "PK\x03\x04", 40),
  cut("before the list of entries", LIST, 0),
  cut("inside the list of entries", LIST, 20),
  cut("before the end record", END, 0),
  cut("inside the end record", END, 12),
  cut("one byte before its end", END, 21),
  broken("a name longer than the list", () => patched(28)),
  broken("an extra field longer than the list", () => patched(30)),
  broken("a comment longer than the list", () => patched(32)),
  broken("an extra field longer than itself", () => patched(57)),
  broken("a list that begins elsewhere", () => misplaced(16, 7)),
  broken("a list that begins outside", () => misplaced(16, 0x7fffffff)),
  broken("a list of no bytes", () => misplaced(12, 0)),
  broken("a list of 2 GB", () => misplaced(12, 0x7fffffff)),
  broken("only its first two bytes", () => Buffer.from("PK")),
  broken("only its first header", () => craftZip([SCRIPT]).subarray(0, 30)),
];

/** The script's archive with a number of the end record changed. */
function misplaced(field: number, value: number): Buffer {
  const zip = craftZip([SCRIPT]);
  zip.writeUInt32LE(value, zip.indexOf(END) + field);
  return zip;
}

/** An archive of a script with zip64 numbers, in whose directory record the length at this place says 500. */
function patched(position: number): Buffer {
  const zip = craftZip([{ ...SCRIPT, zip64: true }]);
  zip.writeUInt16LE(500, zip.indexOf(LIST) + position);
  return zip;
}

const NO_ZIPS: HostileZip[] = [
  ["an empty file", Buffer.alloc(0)],
  ["one byte", Buffer.from("P")],
  ["NULs", Buffer.alloc(100)],
  ["text", Buffer.from("hello, I am a zip")],
  ["a script instead of its archive", Buffer.from("#!/bin/bash\necho hello\n")],
  ["a page", Buffer.from("<!doctype html><title>404</title>")],
  ["a gzip archive", gzipSync("echo hello")],
  ["a 7z archive", Buffer.from("377abcaf271c0004", "hex")],
  ["a rar archive", Buffer.from("526172211a0700", "hex")],
  ["a program", Buffer.from("7f454c4602010100", "hex")],
  ["a self-extracting archive", craftZip([SCRIPT], { prefix: Buffer.from("MZ") })],
  ["a shell script with an archive behind it", craftZip([SCRIPT], { prefix: Buffer.from("#!/bin/sh\n") })],
  ["an archive behind a byte order mark", craftZip([SCRIPT], { prefix: Buffer.from("\ufeff") })],
].map(([title, bytes]) => {
  return { title: String(title), status: 415, code: "not_a_zip", place: "", zip: () => Buffer.from(bytes!) };
});

function large(title: string, code: string, zip: () => Buffer): HostileZip {
  return { title, status: 413, code, place: "", zip };
}

const bomb = { name: "zeros", packed: Buffer.alloc(5 * KIB), size: 30 * MIB };

const SIZES: HostileZip[] = [
  large("10,001 entries", "too_many_entries", () => craftZip([SCRIPT, ...emptyFiles(10_000)])),
  large("70,001 entries", "too_many_entries", () => craftZip([SCRIPT, ...emptyFiles(70_000)], { zip64: {} })),
  large("claims 4 billion entries", "too_many_entries", () => craftZip([SCRIPT], { zip64: { count: 4e9 } })),
  large("claims 2^53 entries", "too_many_entries", () => craftZip([SCRIPT], { zip64: { count: 2 ** 53 } })),
  large("320 entries whose list has 20 MB", "too_many_entries", () => hugeDirectory()),
  large("1 MB that unpacks to a MiB less than 1 GiB", "ratio_too_high", () => craftZip([SCRIPT, zeros(1023)])),
  large("2 MB that unpack to 2 GiB", "unpacked_too_large", () => craftZip([SCRIPT, zeros(2048)])),
  large("1 MB whose 200 entries would unpack to 200 GiB", "unpacked_too_large", () =>
    sharedData(200, randomBytes(MIB), { size: 1024 * MIB }),
  ),
  large("unpacks to 2 GiB in two files", "unpacked_too_large", () =>
    craftZip([SCRIPT, { ...bomb, size: 1024 * MIB }, { ...bomb, name: "more", size: 1024 * MIB }]),
  ),
  large("says 4 GB, has 80 bytes", "unpacked_too_large", () => craftZip([SCRIPT, { ...bomb, size: 0xfffffffe }])),
  large("says 4 GB where it should say zip64", "unpacked_too_large", () =>
    craftZip([SCRIPT, { ...bomb, size: 0xffffffff }]),
  ),
  large("says 8 PB", "unpacked_too_large", () => craftZip([SCRIPT, { ...bomb, zip64: true, size: 2 ** 53 }])),
  large("5 KB that unpack to 30 MB", "ratio_too_high", () => craftZip([SCRIPT, bomb])),
  large("11 MB of zeros", "ratio_too_high", () => craftZip([SCRIPT, zeros(11)])),
  {
    title: "1 MB that says 10 bytes and would unpack to 1 GiB",
    ...{ status: 422, code: "bad_zip", place: "zeros" },
    zip: () => craftZip([SCRIPT, { ...zeros(1024), size: 10 }]),
  },
  {
    title: "60 KB that say 10 bytes and would unpack to 58 MiB",
    ...{ status: 422, code: "bad_zip", place: "zeros" },
    zip: () => craftZip([SCRIPT, { ...zeros(58), size: 10 }]),
  },
  {
    title: "1 MB whose 200 entries share it and say 1 MB each",
    ...{ status: 422, code: "overlapping_entries", place: "copy0" },
    zip: () => sharedData(200, randomBytes(MIB)),
  },
];

function emptyFiles(count: number): CraftedEntry[] {
  return Array.from({ length: count }, (_, n) => ({ name: `${n}`, method: 0 }));
}

const PIECE = Buffer.alloc(MIB);

/** So many MiB of zeros in a thousandth of that, without having them: each piece is packed as if it were the first. */
function zeros(megabytes: number): CraftedEntry {
  const piece = deflateRawSync(PIECE, { level: 9, finishFlush: constants.Z_FULL_FLUSH });
  const pieces = Array.from({ length: megabytes }, () => piece);
  const size = megabytes * MIB;
  return { name: "zeros", packed: Buffer.concat([...pieces, deflateRawSync("")]), size, crc: crc32(PIECE) };
}

/** Few entries, but with comments that make the list of them many megabytes long. */
function hugeDirectory(): Buffer {
  const comment = "c".repeat(0xffff);
  return craftZip([SCRIPT, ...emptyFiles(319).map((entry) => ({ ...entry, comment }))]);
}

/** An archive of these files that has no good script. */
function script(title: string, code: string, files: ZipFiles, says: RegExp): HostileZip {
  return { title: `script.sh: ${title}`, status: 422, code, place: "script.sh", says, zip: () => zipOf(files) };
}

const NONE = "missing_script";
const ADD = /Add a bash script/;
const AT_ROOT = /Zip the files themselves, not the folder that holds them/;
const only = (content: string | Buffer) => ({ "script.sh": content });
const utf16 = Buffer.from("\ufeffecho hello\n", "utf16le");

const SCRIPTS: HostileZip[] = [
  script("an empty archive", NONE, {}, ADD),
  script("only a folder", NONE, { "data/": "" }, ADD),
  script("another name", NONE, { "run.sh": "x" }, ADD),
  script("another ending", NONE, { "script.bash": "x" }, ADD),
  script("a space behind its name", NONE, { "script.sh ": "x" }, ADD),
  script("only in a folder", NONE, { "batch/script.sh": "x" }, AT_ROOT),
  script("only in two folders", NONE, { "a/b/script.sh": "x", "a/c/script.sh": "x" }, AT_ROOT),
  script("in capitals", NONE, { "Script.SH": "x" }, /Rename it to script\.sh/),
  script("a folder", NONE, { "script.sh/": "", "script.sh/x": "x" }, /folder named script\.sh/),
  script("empty", NONE, only(""), /is empty/),
  script("a compiled program", "script_not_text", only(Buffer.from("\x7fELF\x02\x01\x01\0", "latin1")), /compiled/),
  script("a program for Windows", "script_not_text", only(Buffer.from("MZ\x90\0\x03\0\0\0", "latin1")), /NUL bytes/),
  script("NUL bytes", "script_not_text", only("echo \0\n"), /NUL bytes/),
  script("UTF-16", "script_encoding", only(utf16), /UTF-16/),
  script("UTF-16, the other way round", "script_encoding", only(Buffer.from(utf16).swap16()), /UTF-16/),
  script("UTF-16 without a mark", "script_not_text", only(utf16.subarray(2)), /NUL bytes/),
  script("a byte order mark", "script_encoding", only("\ufeffecho hello\n"), /byte order mark/),
  script("Windows line ends", "script_line_ends", only("set -e\r\necho x\r\n"), /sed -i 's\/\\r\$\/\/' script\.sh/),
  script("one Windows line end", "script_line_ends", only("set -e\necho x\r\n"), /line 2/),
];

export const ZIP_ARCHIVES: HostileZip[] = [...WHOLES, ...NO_ZIPS, ...SIZES, ...SCRIPTS];
