// A program of its own that puts one upload: `put-once.ts <uploads folder> <upload>`.
import { ArtifactStore } from "../../../src/handlers/artifact-store/artifact-store.js";

const [folder = "", upload = ""] = process.argv.slice(2);
const store = new ArtifactStore({ folder, clock: Date });
console.log(JSON.stringify(await store.put(upload)));
