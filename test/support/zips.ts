// Makes zip archives for tests: ordinary ones as people upload them, and crafted ones that no zip program would write.
import { buffer } from "node:stream/consumers";
import { crc32, deflateRawSync } from "node:zlib";
import { ZipFile } from "yazl";

/** What goes into an ordinary archive: contents by name; a name that ends in "/" makes an empty folder. */
export type ZipFiles = Record<string, string | Buffer | { content: string | Buffer; mode: number }>;

const FIXED_TIME = new Date(Date.UTC(2026, 0, 1, 12));

/** An ordinary zip, the same bytes for the same files every time. */
export async function zipOf(files: ZipFiles): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, file] of Object.entries(files)) {
    const isPlain = typeof file === "string" || Buffer.isBuffer(file);
    const { content, mode } = isPlain ? { content: file, mode: 0o100644 } : file;
    if (name.endsWith("/")) zip.addEmptyDirectory(name, { mtime: FIXED_TIME });
    else zip.addBuffer(Buffer.from(content), name, { mtime: FIXED_TIME, mode: mode | 0o100000 });
  }
  zip.end();
  return buffer(zip.outputStream);
}

/** One entry of a crafted archive. Everything has an honest default; whatever is given is written as it is. */
export interface CraftedEntry {
  name: string | Buffer;
  content?: string | Buffer;
  /** Packed by this method: 8, deflate, if not given; methods other than 0 and 8 write the content as it is. */
  method?: number;
  /** The packed bytes themselves, to use one packing for many entries. */
  packed?: Buffer;
  flags?: number;
  /** Unix type and permission bits. */
  mode?: number;
  /** System that made the entry: 0 MS-DOS, 3 Unix, 11 Windows, 19 macOS. */
  madeBy?: number;
  crc?: number;
  size?: number;
  compressedSize?: number;
  /** Where the central directory says that the entry begins. */
  offset?: number;
  /** Writes no header and no data of its own: the directory points to another entry's. */
  ghost?: boolean;
  /** What stands in the header before the data, where that differs from the central directory. */
  local?: {
    name?: string;
    flags?: number;
    crc?: number;
    compressedSize?: number;
    size?: number;
    method?: number;
    extra?: Buffer;
  };
  /** Sizes behind the data instead of in its header, as programs do that write to a pipe. */
  streamed?: boolean;
  zip64?: boolean;
  comment?: string;
}

/** What is odd about a crafted archive as a whole. */
export interface CraftedArchive {
  prefix?: Buffer;
  /** Between the last entry and the central directory. */
  gap?: Buffer;
  suffix?: Buffer;
  comment?: Buffer;
  /** How many entries the end record claims. */
  count?: number;
  /** Writes a zip64 end record too; its numbers may be changed. */
  zip64?: { count?: number; recordOffset?: number } | undefined;
  /** Number of the disk, and how many entries are said to be on it. */
  disk?: number;
  diskCount?: number;
}

/** A zip written byte by byte from a description that may lie in every field. */
export function craftZip(entries: CraftedEntry[], archive: CraftedArchive = {}): Buffer {
  const parts: Buffer[] = [archive.prefix ?? Buffer.alloc(0)];
  const records: Buffer[] = [];
  let offset = parts[0]!.length;
  for (const entry of entries) {
    const facts = factsOf(entry);
    const local = entry.ghost ? [] : [localHeader(entry, facts), facts.packed, descriptor(entry, facts)];
    records.push(centralRecord(entry, facts, entry.offset ?? offset));
    parts.push(...local);
    offset += local.reduce((sum, part) => sum + part.length, 0);
  }
  const gap = archive.gap ?? Buffer.alloc(0);
  const directory = Buffer.concat(records);
  const end = endRecords(entries.length, directory.length, offset + gap.length, archive);
  return Buffer.concat([...parts, gap, directory, end, archive.suffix ?? Buffer.alloc(0)]);
}

interface Facts {
  name: Buffer;
  packed: Buffer;
  method: number;
  flags: number;
  crc: number;
  size: number;
  compressedSize: number;
}

function factsOf(entry: CraftedEntry): Facts {
  const content = Buffer.from(entry.content ?? "");
  const method = entry.method ?? 8;
  const packed = entry.packed ?? (method === 8 ? deflateRawSync(content) : content);
  return {
    name: Buffer.from(entry.name),
    packed,
    method,
    flags: (entry.flags ?? 0x0800) | (entry.streamed ? 0x0008 : 0),
    crc: entry.crc ?? crc32(content),
    size: entry.size ?? content.length,
    compressedSize: entry.compressedSize ?? packed.length,
  };
}

function localHeader(entry: CraftedEntry, facts: Facts): Buffer {
  const local = entry.local ?? {};
  const name = local.name === undefined ? facts.name : Buffer.from(local.name);
  const extra = local.extra ?? (entry.zip64 ? zip64Field([facts.size, facts.compressedSize]) : Buffer.alloc(0));
  const size = (value: number): number => (entry.streamed ? 0 : entry.zip64 ? 0xffffffff : value);
  const crc = local.crc ?? (entry.streamed ? 0 : facts.crc);
  const sizes = [
    u32(crc),
    u32(size(local.compressedSize ?? facts.compressedSize)),
    u32(size(local.size ?? facts.size)),
  ];
  const head = [
    u32(0x04034b50),
    u16(20),
    u16(local.flags ?? facts.flags),
    u16(local.method ?? facts.method),
    FIXED_DOS_TIME,
  ];
  return Buffer.concat([...head, ...sizes, u16(name.length), u16(extra.length), name, extra]);
}

function descriptor(entry: CraftedEntry, facts: Facts): Buffer {
  if (!entry.streamed) return Buffer.alloc(0);
  return Buffer.concat([u32(0x08074b50), u32(facts.crc), u32(facts.compressedSize), u32(facts.size)]);
}

function centralRecord(entry: CraftedEntry, facts: Facts, offset: number): Buffer {
  const { name, flags, method, crc } = facts;
  const extra = entry.zip64 ? zip64Field([facts.size, facts.compressedSize, offset]) : Buffer.alloc(0);
  const wide = (value: number): Buffer => u32(entry.zip64 ? 0xffffffff : value);
  const comment = Buffer.from(entry.comment ?? "");
  const mode = entry.mode ?? (name.toString().endsWith("/") ? 0o040755 : 0o100644);
  const head = [
    u32(0x02014b50),
    u16(((entry.madeBy ?? 3) << 8) | 30),
    u16(20),
    u16(flags),
    u16(method),
    FIXED_DOS_TIME,
  ];
  const sizes = [u32(crc), wide(facts.compressedSize), wide(facts.size)];
  const lengths = [u16(name.length), u16(extra.length), u16(comment.length)];
  return Buffer.concat([
    ...head,
    ...sizes,
    ...lengths,
    u16(0),
    u16(0),
    u16(0),
    u16(mode),
    wide(offset),
    name,
    extra,
    comment,
  ]);
}

function endRecords(count: number, directoryBytes: number, directoryOffset: number, archive: CraftedArchive): Buffer {
  const claimed = archive.count ?? Math.min(count, 0xffff);
  const comment = archive.comment ?? Buffer.alloc(0);
  const disk = u16(archive.disk ?? 0);
  const numbers = [u16(archive.diskCount ?? claimed), u16(claimed), u32(directoryBytes), u32(directoryOffset)];
  const short = [u32(0x06054b50), disk, u16(0), ...numbers, u16(comment.length), comment];
  if (!archive.zip64) return Buffer.concat(short);
  const long = u64(archive.zip64.count ?? count);
  const versions = [u16(45), u16(45), u32(0), u32(0)];
  const record = [u32(0x06064b50), u64(44), ...versions, long, long, u64(directoryBytes), u64(directoryOffset)];
  const recordOffset = archive.zip64.recordOffset ?? directoryOffset + directoryBytes;
  const locator = [u32(0x07064b50), u32(0), u64(recordOffset), u32(1)];
  const hidden = [u32(0x06054b50), disk, u16(0), u16(0xffff), u16(0xffff), u32(0xffffffff), u32(0xffffffff), u16(0)];
  return Buffer.concat([...record, ...locator, ...(archive.count === undefined ? hidden : short)]);
}

const FIXED_DOS_TIME = Buffer.from([0x00, 0x60, 0x21, 0x5c]);

function zip64Field(numbers: number[]): Buffer {
  return Buffer.concat([u16(0x0001), u16(numbers.length * 8), ...numbers.map(u64)]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
