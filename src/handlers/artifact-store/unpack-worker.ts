// The thread that unpacks one large upload.
import { parentPort, workerData } from "node:worker_threads";
import { unpack, type UnpackOrder } from "./unpack.js";

parentPort?.postMessage(unpack(workerData as UnpackOrder));
