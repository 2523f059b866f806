// The thread that unpacks one large upload.
import { parentPort, workerData } from "node:worker_threads";
import { readByStream } from "./streamed-archive.js";
import { unpack, type UnpackOrder } from "./unpack.js";

parentPort?.postMessage(await unpack(workerData as UnpackOrder, readByStream));
