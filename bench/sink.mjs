// The least that anybody could do with an upload: writes each request's body to a file, brings it to the disk, answers.
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { pipeline } from "node:stream/promises";

const file = path.join(process.argv[2], "sink");
const server = createServer((request, response) => {
  pipeline(request, createWriteStream(file, { flush: true }))
    .then(() => response.writeHead(201).end())
    // The file is removed after the answer, as nobody would keep it.
    .then(() => rm(file));
});
server.listen(0, "127.0.0.1", () => process.send(server.address().port));
process.on("disconnect", () => process.exit());
