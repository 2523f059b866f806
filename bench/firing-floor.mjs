// The floor of a firing: node:http without a framework, and each body one row of SQLite in a transaction of its own that is
// durable (WAL, synchronous FULL) before it is answered. Tells its port, and stops when it is told to.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";

const folder = mkdtempSync(path.join(tmpdir(), "batchline-floor-"));
const database = new DatabaseSync(path.join(folder, "floor.sqlite"));
database.exec(
  "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE firings (id INTEGER PRIMARY KEY, body TEXT)",
);
const insert = database.prepare("INSERT INTO firings (body) VALUES (?)");

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    insert.run(JSON.stringify(JSON.parse(Buffer.concat(chunks).toString())));
    response.writeHead(202).end();
  });
});
server.listen(0, "127.0.0.1", () => process.send(server.address().port));
process.on("SIGTERM", () => {
  database.close();
  rmSync(folder, { recursive: true });
  process.exit();
});
