// The listening socket: had at start, given back at the stop.
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { AppError } from "../errors.js";

/** Requests that have not been answered so long after the stop are cut off. */
const STOP_PATIENCE_MS = 10_000;

/** The address it listens on. @throws AppError `unavailable` if the port cannot be had */
export function listen(server: Server, { host, port }: { host: string; port: number }): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === "EADDRINUSE"
          ? `port ${port} on ${host} is taken; end what uses it, or set PORT to another`
          : `${host} port ${port} cannot be listened on (${cause.code ?? cause.message}); check HOST and PORT`;
      reject(new AppError("unavailable", `The service cannot start: ${why}.`, { cause }));
    });
    server.listen(port, host, () => {
      const { port: actual } = server.address() as AddressInfo;
      resolve(`http://${host.includes(":") ? `[${host}]` : host}:${actual}`);
    });
  });
}

/** Takes no more requests, and waits for those under way; what has no answer after some seconds is cut off. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  // Again and again: one whose answer was just leaving falls idle later, and would stay open until its peer tires of it.
  const sweep = setInterval(() => server.closeIdleConnections(), 10);
  const cut = setTimeout(() => server.closeAllConnections(), STOP_PATIENCE_MS);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}
