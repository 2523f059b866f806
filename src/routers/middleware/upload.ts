// Receives multipart uploads: files into the artifact store's staging folder, text parts into the body.
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Request, RequestHandler, Response } from "express";
import multer, { MulterError, type StorageEngine } from "multer";
import { AppError, explainDiskFull } from "../../errors.js";
import type { ReceivedFile } from "../../handlers/artifact-store/artifact-store.js";
import { utf8Text } from "../../models/json.js";
import type { Multipart } from "../route.js";

export interface UploadOptions {
  /** The path for a new file; nothing lies there. */
  newUpload: () => string;
  maxFileBytes: number;
}

export interface Upload {
  body: Record<string, unknown>;
  files: Record<string, ReceivedFile[]>;
}

const MAX_CONFIG_BYTES = 1024 * 1024;
const CONFIG = "config";

/** Makes the reader of one kind of upload. Whatever it has received is removed when the answer has been sent. */
export function uploadReader({ files }: Multipart, options: UploadOptions) {
  const parts = Object.entries(files).map(([name, { maxCount }]) => ({ name, maxCount }));
  const receive: RequestHandler = multer({
    storage: storageAt(options.newUpload),
    // Without this a name such as sømna.zip arrives mangled.
    defParamCharset: "utf8",
    limits: {
      fileSize: options.maxFileBytes,
      fieldSize: MAX_CONFIG_BYTES,
      fields: 10,
      files: parts.reduce((sum, { maxCount }) => sum + maxCount, 1),
      parts: 250,
      headerPairs: 50,
    },
  }).fields([...parts, { name: CONFIG, maxCount: 1 }]);
  return (request: Request, response: Response): Promise<Upload> => read(receive, request, response, options);
}

/** What the storage adds to multer's own facts about a file: a file of this kind has all of both. */
type Stored = Express.Multer.File & Pick<ReceivedFile, "sha256">;

/** Keeps files at places of our choice. Of one that does not come in whole, nothing stays. */
function storageAt(newUpload: () => string): StorageEngine {
  return {
    _handleFile: (_request, { stream }, done) => {
      const path = newUpload();
      receiveFile(stream, path).then(
        (facts) => done(null, { path, ...facts }),
        (error: unknown) => void rm(path, { force: true }).finally(() => done(error)),
      );
    },
    _removeFile: (_request, { path }, done) => void rm(path, { force: true }).then(() => done(null), done),
  };
}

/** While a write is under way, what comes in meanwhile is gathered for the next: a write for every packet costs too much. */
const GATHERED_BYTES = 512 * 1024;

/** Writes the file, and computes its digest while its bytes come by. */
async function receiveFile(stream: Readable, path: string): Promise<{ size: number; sha256: string }> {
  const hash = createHash("sha256");
  let size = 0;
  const measure = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  };
  await pipeline(stream, measure, createWriteStream(path, { highWaterMark: GATHERED_BYTES, mode: 0o640 }));
  return { size, sha256: hash.digest("hex") };
}

async function read(
  receive: RequestHandler,
  request: Request,
  response: Response,
  options: UploadOptions,
): Promise<Upload> {
  if (!request.is("multipart/form-data")) {
    const message = "Send the upload as multipart/form-data, with the config as the part `config` beside the archive.";
    throw new AppError("unsupported", message, { reason: "not_multipart" });
  }
  await new Promise<void>((resolve, reject) => {
    receive(request, response, (error: unknown) =>
      error instanceof Error ? reject(explain(error, options)) : resolve(),
    );
  });
  const received = (request.files ?? {}) as Record<string, Stored[]>;
  const all = Object.values(received).flat();
  // Those that were taken in have been moved away; the others go when there is nobody left to use them.
  response.once("close", () => void Promise.allSettled(all.map(({ path }) => rm(path, { force: true }))));
  const body = { ...(request.body as Record<string, unknown>) };
  const { [CONFIG]: configFiles, ...archives } = received;
  if (configFiles?.[0]) body[CONFIG] = await readConfigFile(configFiles[0]);
  const files = Object.entries(archives).map(([part, list]) => [
    part,
    list.map(({ path, originalname: name, sha256, size: bytes }): ReceivedFile => ({ path, name, sha256, bytes })),
  ]);
  return { body, files: Object.fromEntries(files) as Upload["files"] };
}

async function readConfigFile({ path, size }: Express.Multer.File): Promise<string> {
  if (size > MAX_CONFIG_BYTES) throw new AppError("too_large", "The config is larger than 1 MiB.");
  const text = utf8Text(await readFile(path));
  if (text === null) throw new AppError("invalid", "The config file is not UTF-8 text.", { reason: "invalid_json" });
  return text;
}

/** Multer's complaints in plain words. A body that ends early is a plain Error of its parser. */
function explain(error: Error, { maxFileBytes }: UploadOptions): Error {
  if (error instanceof MulterError) {
    const part = error.field ?? "?";
    if (error.code === "LIMIT_FILE_SIZE") {
      return new AppError(
        "too_large",
        `The file in part \`${part}\` is larger than MAX_UPLOAD allows (${maxFileBytes} bytes).`,
      );
    }
    if (error.code === "LIMIT_FIELD_VALUE")
      return new AppError("too_large", `The part \`${part}\` is larger than 1 MiB.`);
    const message = `The part \`${part}\` does not belong here, or stands there too often.`;
    return new AppError("invalid", message, {
      reason: "unexpected_part",
      errors: [{ pointer: part, message: error.message }],
    });
  }
  const { code, message } = error as NodeJS.ErrnoException;
  const explained = explainDiskFull(error);
  if (explained !== error) return explained;
  if (code !== undefined && code !== "ECONNRESET") return error;
  return new AppError("invalid", `The upload is not whole or not multipart: ${message}.`, {
    reason: "broken_multipart",
  });
}
