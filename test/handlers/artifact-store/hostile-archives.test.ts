// Every archive here must be refused for its own reason, naming the entry, and leave the disk exactly as it was.
import { randomBytes } from "node:crypto";
import { deflateRawSync } from "node:zlib";
import { describe, it } from "vitest";
import { craftZip, zipOf, type CraftedArchive } from "../../support/zips.js";
import { badEntry, expectRefused, SCRIPT, type Hostile } from "./expect-refused.js";

const KIB = 1024;
const MIB = 1024 * KIB;

/** An archive that is odd as a whole. */
function archive(title: string, reason: string, odd: CraftedArchive): Hostile {
  return { title, reason, zip: craftZip([SCRIPT], odd), entry: null };
}

describe("kinds of entries", () => {
  const link = { content: "/etc/passwd", method: 0 };
  it.each<Hostile>([
    badEntry("symbolic link", "link_or_special", { name: "x", mode: 0o120777, ...link }),
    {
      title: "script.sh as a symbolic link",
      reason: "link_or_special",
      zip: craftZip([{ ...link, name: "script.sh", mode: 0o120777 }]),
      entry: "script.sh",
    },
    badEntry("symbolic link said to be made on MS-DOS", "link_or_special", {
      name: "x",
      mode: 0o120777,
      madeBy: 0,
      ...link,
    }),
    badEntry("pipe", "link_or_special", { name: "x", mode: 0o010644 }),
    badEntry("character device", "link_or_special", { name: "x", mode: 0o020644 }),
    badEntry("block device", "link_or_special", { name: "x", mode: 0o060644 }),
    badEntry("socket", "link_or_special", { name: "x", mode: 0o140644 }),
    badEntry("folder by type, file by name", "link_or_special", { name: "x", mode: 0o040755 }),
    badEntry("folder with data", "bad_zip", { name: "x/", content: "data" }),
    badEntry("encrypted", "encrypted", { name: "x", content: "secret", flags: 0x0801 }),
    badEntry("strongly encrypted", "encrypted", { name: "x", content: "secret", flags: 0x0841 }),
    badEntry("encrypted by another flag", "encrypted", { name: "x", content: "secret", flags: 0x0840 }),
    badEntry("encrypted list of entries", "encrypted", { name: "x", content: "secret", flags: 0x2800 }),
    badEntry("bzip2", "unsupported_compression", { name: "x", content: "data", method: 12 }),
    badEntry("AES", "unsupported_compression", { name: "x", content: "data", method: 99 }),
  ])("$title", expectRefused);
});

describe("lies about data", () => {
  const zeros = Buffer.alloc(MIB);
  it.each<Hostile>([
    badEntry("central and local CRC wrong", "bad_zip", { name: "x", content: "data", crc: 1 }),
    badEntry("only central CRC wrong", "bad_zip", { name: "x", content: "data", crc: 1, local: { crc: 0xadf3f363 } }),
    badEntry("only local CRC wrong", "bad_zip", { name: "x", content: "data", local: { crc: 1 } }),
    badEntry("CRC wrong in an entry that says it is empty", "bad_zip", { name: "x", crc: 1, method: 0 }),
    badEntry("declared small, really large", "bad_zip", { name: "x", content: zeros, size: 10 }),
    badEntry("declared empty, really large", "bad_zip", { name: "x", content: zeros, size: 0 }),
    badEntry("declared larger than it is", "bad_zip", { name: "x", content: "data", size: 5 }),
    badEntry("stored with two sizes", "bad_zip", { name: "x", content: "data", method: 0, size: 9 }),
    badEntry("data that is not deflated", "bad_zip", { name: "x", packed: Buffer.from("rubbish!"), size: 4 }),
    badEntry("another name in front of the data", "bad_zip", { name: "x", content: "data", local: { name: "y" } }),
    badEntry("another size in front of the data", "bad_zip", { name: "x", content: "data", local: { size: 5 } }),
    badEntry("another packed size in front of the data", "bad_zip", { name: "x", local: { compressedSize: 5 } }),
    badEntry("encrypted only in front of the data", "bad_zip", {
      name: "x",
      content: "data",
      local: { flags: 0x0801 },
    }),
    badEntry("another method in front of the data", "bad_zip", { name: "x", content: "data", local: { method: 0 } }),
    badEntry("data that reaches into the central directory", "overlapping_entries", {
      name: "x",
      content: "data",
      compressedSize: 2000,
    }),
    badEntry("offset outside of the archive", "overlapping_entries", {
      name: "x",
      content: "data",
      offset: 0x7fffffff,
    }),
    badEntry("offset where no entry is", "overlapping_entries", { name: "x", ghost: true, offset: 5 }, "script.sh"),
    {
      title: "no header where an entry should begin",
      reason: "bad_zip",
      zip: noHeader(),
      entry: "script.sh",
      hint: /described in two ways/,
    },
    {
      title: "adm-zip would see the archive inside",
      reason: "bad_zip",
      zip: archiveInside(),
      entry: null,
      hint: /other programs/,
    },
    {
      title: "many entries that share their data",
      reason: "overlapping_entries",
      zip: sharedData(80),
      entry: "copy0",
    },
    {
      title: "entries that overlap by their extra fields",
      reason: "overlapping_entries",
      zip: sharedByExtraField(),
      entry: "a",
    },
  ])("$title", expectRefused);

  const large = Buffer.from(randomBytes(MIB).toString("hex"));
  const packed = deflateRawSync(large, { level: 1 });
  const damaged = Buffer.from(packed).fill(0xff, MIB, MIB + 100);
  const half = packed.subarray(0, MIB / 2);
  it.each<Hostile>([
    badEntry("CRC wrong", "bad_zip", { name: "x", content: large, packed, crc: 1 }),
    badEntry("CRC wrong, stored", "bad_zip", { name: "x", content: large, method: 0, crc: 1 }),
    badEntry("declared smaller than it is", "bad_zip", { name: "x", content: large, packed, size: MIB }),
    badEntry("declared one byte smaller", "bad_zip", { name: "x", content: large, packed, size: large.length - 1 }),
    badEntry("declared one byte larger", "bad_zip", { name: "x", content: large, packed, size: large.length + 1 }),
    badEntry("damaged in the middle", "bad_zip", { name: "x", content: large, packed: damaged }),
    badEntry("cut off in the middle", "bad_zip", { name: "x", content: large, packed: half }),
  ])("too large for one piece: $title", expectRefused);

  it("last of several entries damaged: the good ones do not stay", async () => {
    const good = Array.from({ length: 20 }, (_, n) => ({ name: `good${n}`, content: "data" }));
    const zip = craftZip([SCRIPT, ...good, { name: "last", content: "data", crc: 1 }]);
    await expectRefused({ title: "", zip, reason: "bad_zip", entry: "last" });
  });
});

describe("the archive as a whole", () => {
  it.each<Hostile>([
    archive("prefix that looks like a zip", "bad_zip", { prefix: Buffer.from("PK\x03\x04 hidden entry here........") }),
    archive("bytes behind the end", "bad_zip", { suffix: Buffer.from("junk") }),
    archive("a second, empty end record", "bad_zip", { suffix: craftZip([]) }),
    archive("a second end record in the comment", "bad_zip", { comment: craftZip([]) }),
    archive("a whole second archive behind it", "bad_zip", {
      suffix: craftZip([{ name: "script.sh", content: "other" }]),
    }),
    archive("claims more entries than it has", "bad_zip", { count: 2 }),
    archive("claims fewer entries than it has", "bad_zip", { count: 0 }),
    archive("part of a split archive", "bad_zip", { disk: 1 }),
    archive("with entries on other disks", "bad_zip", { diskCount: 0 }),
    {
      title: "script.sh twice, hidden behind many other faults",
      reason: "unsafe_path",
      zip: craftZip([...Array.from({ length: 300 }, (_, n) => ({ name: `../${n >> 1}` })), SCRIPT, SCRIPT]),
      entry: "../0",
    },
    archive("zip64 record elsewhere", "bad_zip", { zip64: { recordOffset: 0 } }),
    archive("zip64 record that counts otherwise", "bad_zip", { count: 1, zip64: { count: 2 } }),
    archive("short record that counts otherwise", "bad_zip", { count: 5, zip64: {} }),
    { title: "cut off", reason: "bad_zip", zip: craftZip([SCRIPT]).subarray(0, -30), entry: null },
    { title: "record longer than the list", reason: "bad_zip", zip: patched(32), entry: null },
    { title: "extra field longer than its record", reason: "bad_zip", zip: patched(57), entry: null },
    { title: "only its first two bytes", reason: "bad_zip", zip: Buffer.from("PK"), entry: null },
    { title: "empty file", reason: "not_a_zip", code: "unsupported", zip: Buffer.alloc(0), entry: null },
    { title: "tar.gz", reason: "not_a_zip", code: "unsupported", zip: Buffer.from("1f8b0800", "hex"), entry: null },
    {
      title: "zip behind other bytes",
      reason: "not_a_zip",
      code: "unsupported",
      zip: craftZip([SCRIPT], { prefix: Buffer.from("MZ") }),
      entry: null,
    },
  ])("$title", expectRefused);
});

describe("sizes", () => {
  const bomb = { name: "zeros", packed: Buffer.alloc(5 * KIB), size: 30 * MIB };
  const manyFiles = craftZip([SCRIPT, ...Array.from({ length: 10_000 }, (_, n) => ({ name: `${n}`, method: 0 }))]);
  it.each<Hostile>([
    { title: "10,001 entries", reason: "too_many_entries", zip: manyFiles, entry: null },
    {
      title: "claims 4 billion entries",
      reason: "too_many_entries",
      zip: craftZip([SCRIPT], { zip64: { count: 4e9 } }),
      entry: null,
    },
    { title: "a directory too large for its entries", reason: "too_many_entries", zip: hugeDirectory(), entry: null },
    {
      title: "unpacks to more than 2 GiB in all",
      reason: "unpacked_too_large",
      zip: craftZip([SCRIPT, { ...bomb, size: 1024 * MIB }, { ...bomb, name: "more", size: 1025 * MIB }]),
      entry: null,
    },
    {
      title: "claims 16 EiB",
      reason: "unpacked_too_large",
      zip: craftZip([SCRIPT, { ...bomb, zip64: true, size: 2 ** 53 }]),
      entry: null,
    },
    { title: "ratio over 200", reason: "ratio_too_high", zip: craftZip([SCRIPT, bomb]), entry: null },
    {
      title: "a script over 16 MiB",
      reason: "unpacked_too_large",
      zip: craftZip([{ name: "script.sh", method: 0, content: Buffer.alloc(16 * MIB + 1, "\n") }]),
      entry: "script.sh",
    },
  ])("$title", (hostile) => expectRefused({ ...hostile, code: "too_large" }));
});

describe("script.sh", () => {
  const NOT_THERE = "missing_script";
  it.each<Hostile>([
    { title: "empty archive", reason: NOT_THERE, zip: craftZip([]), entry: "script.sh", hint: /Add a bash script/ },
    {
      title: "not there",
      reason: NOT_THERE,
      zip: zipOf({ "run.sh": "x" }),
      entry: "script.sh",
      hint: /Add a bash script/,
    },
    {
      title: "only in a folder",
      reason: NOT_THERE,
      zip: zipOf({ "batch/script.sh": "x" }),
      entry: "script.sh",
      hint: /Zip the files themselves, not the folder that holds them/,
    },
    {
      title: "in capitals",
      reason: NOT_THERE,
      zip: zipOf({ "Script.SH": "x" }),
      entry: "script.sh",
      hint: /Rename it to script\.sh/,
    },
    {
      title: "a folder",
      reason: NOT_THERE,
      zip: zipOf({ "script.sh/": "", "script.sh/x": "x" }),
      entry: "script.sh",
      hint: /folder named script\.sh/,
    },
    { title: "empty", reason: NOT_THERE, zip: zipOf({ "script.sh": "" }), entry: "script.sh", hint: /is empty/ },
    {
      title: "Windows line ends",
      reason: "script_line_ends",
      zip: zipOf({ "data/first.txt": "written before", "script.sh": "set -e\r\necho x\r\n" }),
      entry: "script.sh",
      hint: /sed -i 's\/\\r\$\/\/' script\.sh/,
    },
  ])("$title", expectRefused);
});

/** Packed data that every entry points to: a small file that would unpack to a huge one. */
function sharedData(copies: number): Buffer {
  const content = randomBytes(100 * KIB);
  const ghosts = Array.from({ length: copies }, (_, n) => ({
    name: `copy${n + 1}`,
    content,
    ghost: true,
    offset: SCRIPT_END,
  }));
  return craftZip([SCRIPT, { name: "copy0", content }, ...ghosts]);
}

const SCRIPT_END = craftZip([SCRIPT]).indexOf("PK\x01\x02");

/** An archive of a script with zip64 numbers, in whose directory record the length at this place says 500. */
function patched(position: number): Buffer {
  const zip = craftZip([{ ...SCRIPT, zip64: true }]);
  zip.writeUInt16LE(500, zip.indexOf("PK\x01\x02") + position);
  return zip;
}

/** The script's header begins with "PK", but then is no header. */
function noHeader(): Buffer {
  const zip = craftZip([SCRIPT]);
  zip.fill(0, 2, 4);
  return zip;
}

/** A mark before the end record makes adm-zip search on, and settle for the end record of the archive inside. */
function archiveInside(): Buffer {
  const first = { name: "data" };
  const start = craftZip([first]).indexOf("PK\x01\x02") + 30 + "inner.zip".length;
  const content = craftZip([first, SCRIPT], { prefix: Buffer.alloc(start) }).subarray(start);
  return craftZip([first, { name: "inner.zip", content, method: 0 }, SCRIPT, { name: "x", comment: "PK\x06\x07" }]);
}

/** Entry "a" whose extra field swallows the header of "b", so that both use the same data. */
function sharedByExtraField(): Buffer {
  const data = { content: "d", method: 0 };
  const header = craftZip([{ name: "b", ...data }]).subarray(0, 31);
  const a = { name: "a", ...data, local: { extra: header } };
  return craftZip([SCRIPT, a, { name: "b", ...data, ghost: true, offset: SCRIPT_END + 31 }]);
}

/** Few entries, but with comments that make the list of them many megabytes long. */
function hugeDirectory(): Buffer {
  const comment = "c".repeat(0xffff);
  return craftZip([SCRIPT, ...Array.from({ length: 320 }, (_, n) => ({ name: `${n}`, method: 0, comment }))]);
}
