// The header that gives a download its file name (RFC 6266, with the extended form of RFC 8187).

/** Always an attachment: nothing that people uploaded or scripts printed is for the browser to interpret. */
export function contentDisposition(fileName: string): string {
  const plain = fileName.replace(/[^\w.-]/g, "_");
  const extended = encodeURIComponent(fileName).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${extended}`;
}
