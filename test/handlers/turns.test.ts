// Waiting for a turn: not too many, and nobody who has gone.
import { expect, it } from "vitest";
import { Turns } from "../../src/handlers/turns.js";

/** Work that goes on until it is told to end. */
function held() {
  let end = () => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { work: () => ended, end };
}

it("refuses whoever comes when as many wait as may", async () => {
  const turns = new Turns(1, 1);
  const [first, second] = [held(), held()];
  const all = [turns.take(first.work), turns.take(second.work)];
  await expect(turns.take(() => Promise.resolve())).rejects.toMatchObject({
    code: "unavailable",
    reason: "too_many_at_once",
  });
  first.end();
  await all[0];
  second.end();
  await all[1];
  expect(await turns.take(() => Promise.resolve("free again"))).toBe("free again");
});

it("gives the place of one who has gone to others, and the turn to those who wait still", async () => {
  const turns = new Turns(1, 2);
  const first = held();
  const leaving = new AbortController();
  const taken = turns.take(first.work);
  const left = turns.take(() => Promise.resolve("never"), leaving.signal);
  const stays = turns.take(() => Promise.resolve("done"), new AbortController().signal);
  leaving.abort();
  await expect(left).rejects.toMatchObject({ reason: "asker_gone" });
  const comes = turns.take(() => Promise.resolve("done too"));
  first.end();
  await taken;
  expect(await Promise.all([stays, comes])).toEqual(["done", "done too"]);
});
