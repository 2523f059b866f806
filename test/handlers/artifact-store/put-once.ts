// A program of its own that takes in one upload: `put-once.ts <uploads folder> <upload as JSON>`.
import { ArtifactStore, type ReceivedFile } from "../../../src/handlers/artifact-store/artifact-store.js";

const [folder = "", upload = ""] = process.argv.slice(2);
const store = new ArtifactStore({ folder, clock: Date });
const staged = await store.stage(JSON.parse(upload) as ReceivedFile);
console.log(JSON.stringify(await staged.publish()));
