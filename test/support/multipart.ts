// Multipart bodies byte by byte, also such as no program would send.

/** One part. Whatever is given is written as it is. */
export interface Part {
  name: string;
  content: string | Buffer;
  /** A part with a file name is a file; an empty one counts too. */
  fileName?: string;
  /** Instead of the header that name and file name make. */
  header?: string;
}

export const BOUNDARY = "----batchline";

/** The media type of `multipart`'s bodies. */
export const MULTIPART = `multipart/form-data; boundary=${BOUNDARY}`;

/** @param end what comes after the last part */
export function multipart(parts: Part[], end = `--${BOUNDARY}--\r\n`): Buffer {
  const bytes = parts.flatMap(({ name, content, fileName, header }) => {
    const file = fileName === undefined ? "" : `; filename="${fileName}"`;
    const head = header ?? `Content-Disposition: form-data; name="${name}"${file}`;
    return [Buffer.from(`--${BOUNDARY}\r\n${head}\r\n\r\n`), Buffer.from(content), Buffer.from("\r\n")];
  });
  return Buffer.concat([...bytes, Buffer.from(end)]);
}
