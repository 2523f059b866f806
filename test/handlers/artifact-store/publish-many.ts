// A program of its own that publishes one upload after the other, each with its row: a line in a file.
import { appendFileSync, copyFileSync, readFileSync } from "node:fs";
import { ArtifactStore } from "../../../src/handlers/artifact-store/artifact-store.js";

const [folder = "", zip = "", rows = "", count = ""] = process.argv.slice(2);
const store = new ArtifactStore({ folder, clock: Date });
for (let i = 0; i < Number(count); i++) {
  const path = store.newUpload();
  copyFileSync(zip, path);
  const staged = await store.stage({ path, name: "a.zip", sha256: "", bytes: readFileSync(zip).length });
  const { key } = await staged.publish();
  appendFileSync(rows, `${key}\n`);
  await store.settle(key);
}
