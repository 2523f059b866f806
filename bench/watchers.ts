// Many who watch: lean readers of streams, each known by a token of its own or shared with few, as the limit demands.
import { request, type IncomingMessage } from "node:http";
import path from "node:path";
import { Database } from "../src/database/database.js";
import { ApiToken } from "../src/entities/api-token.js";
import { hashToken, makeToken } from "../src/handlers/tokens.js";
import type { Service } from "./service.js";

/** The most streams that one token may have open. */
const PER_TOKEN = 50;

/** Tokens for so many streams, written where the service finds them. */
export async function tokensFor({ folder }: Service, streams: number): Promise<string[]> {
  const database = await Database.open(`sqlite:${path.join(folder, "data", "batchline.sqlite")}`);
  const tokens: string[] = [];
  await database.write(async ({ manager }) => {
    for (let i = 0; i < Math.ceil(streams / PER_TOKEN); i++) {
      const { identifiers } = await manager.insert(ApiToken, { name: `watcher ${i}`, hash: "", createdAt: 0 });
      const id = Number(identifiers[0]?.["id"]);
      const token = makeToken("bl", id);
      await manager.update(ApiToken, { id }, { hash: hashToken(token) });
      tokens.push(token);
    }
  });
  await database.close();
  return tokens;
}

export interface Stream {
  answer: IncomingMessage;
  close(): void;
}

/** Opens the stream number `n` at an address. @throws Error unless the service serves it */
export function watch(url: string, tokens: string[], n: number): Promise<Stream> {
  const headers = { Authorization: `Bearer ${tokens[Math.floor(n / PER_TOKEN)] ?? ""}` };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { headers, agent: false }, (answer) => {
      if (answer.statusCode !== 200) {
        reject(new Error(`a stream was refused: ${answer.statusCode}`));
        return;
      }
      answer.on("error", () => undefined); // closed by us
      resolve({ answer, close: () => outgoing.destroy() });
    }).on("error", reject);
    outgoing.end();
  });
}
