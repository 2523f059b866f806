// An upload whose sender takes its time: the first half is on its way, the rest comes when the test says so, or never.
import { readdir } from "node:fs/promises";
import { request, type Agent } from "node:http";
import { expect, vi } from "vitest";
import { ADMIN_TOKEN, type TestApp } from "./app.js";
import { PATIENCE, type Bytes } from "./uploads.js";

export interface SlowUpload {
  /** The status answered; rejects if the connection breaks. */
  status: Promise<number>;
  finish(): void;
  /** Hangs up. */
  abort(): void;
}

/**
 * Begins to upload a batch and returns when the service has the first bytes of its zip on disk.
 *
 * @param agent keeps the connection open afterwards; without one it is closed
 */
export async function beginUpload(
  { app, config }: TestApp,
  name: string,
  zip: Bytes,
  agent: Agent | false = false,
): Promise<SlowUpload> {
  const half = Math.floor(zip.length / 2);
  const part = (rest: string) => `\r\n--cut\r\nContent-Disposition: form-data; name=${rest}\r\n\r\n`;
  const sent = request(`${app.url}/api/v1/batches`, {
    method: "POST",
    agent,
    headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, "Content-Type": "multipart/form-data; boundary=cut" },
  });
  const status = new Promise<number>((resolve, reject) => {
    sent.on("response", (response) => response.resume().on("end", () => resolve(response.statusCode ?? 0)));
    sent.on("error", reject);
  });
  // Some tests look at it only later, or never.
  status.catch(() => undefined);
  sent.write(`${part('"config"')}{"name":"${name}"}${part('"batch"; filename="a.zip"')}`);
  sent.write(zip.subarray(0, half));
  await vi.waitFor(async () => expect(await readdir(`${config.uploadsDir}/.staging`)).toHaveLength(1), PATIENCE);
  return {
    status,
    finish: () => {
      sent.write(zip.subarray(half));
      sent.end("\r\n--cut--\r\n");
    },
    abort: () => void sent.destroy(),
  };
}
