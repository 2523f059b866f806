// Maker marks: told apart by process, by boot and by caller.
import { expect, it } from "vitest";
import { isMakerGone, newMakerMark } from "../../../src/handlers/process/maker-mark.js";

it("knows what a living process makes, wherever the mark stands in the name", () => {
  const mark = newMakerMark();
  for (const name of [mark, `upload-${mark}`, `${mark}-7`, `draft-${mark}-7`])
    expect(isMakerGone(name), name).toBe(false);
});

it("gives every caller a mark of its own", () => {
  expect(newMakerMark()).not.toBe(newMakerMark());
});

it("takes for gone what an earlier owner of the pid made, an earlier boot, or nobody", () => {
  const [pid, ticks, boot, nonce] = newMakerMark().split("-");
  const others = [
    `${pid}-1-${boot}-${nonce}`,
    `4194999-${ticks}-${boot}-${nonce}`,
    `${pid}-${ticks}-00000000-${nonce}`,
  ];
  for (const name of [...others, "", "upload-7", "removed-20260101-000000-00000000"])
    expect(isMakerGone(name), name).toBe(true);
});
