// Transactions: none touches another's rows, a failed one leaves nothing, and milliseconds survive.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { Database, isUniqueViolation } from "../../src/database/database.js";
import type { Transaction } from "../../src/database/transaction.js";
import { ApiToken } from "../../src/entities/api-token.js";
import { freshDatabase } from "../support/fresh-database.js";

async function openDatabase(): Promise<Database> {
  const folder = await mkdtemp(path.join(tmpdir(), "batchline-tx-"));
  const { url, drop } = await freshDatabase(folder);
  const database = await Database.open(url);
  onTestFinished(async () => {
    await database.close();
    await drop();
    await rm(folder, { recursive: true });
  });
  return database;
}

const insert = ({ manager }: Transaction, name: string, createdAt = 1) =>
  manager.insert(ApiToken, { name, hash: "h", createdAt });

const names = async (database: Database) =>
  (await database.read((manager) => manager.find(ApiToken, { order: { id: "ASC" } }))).map(({ name }) => name);

it("keeps 200 concurrent ones apart, of which a fifth roll back half-way", async () => {
  const database = await openDatabase();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 200 }, (_, i) =>
      database.write(async (transaction) => {
        await insert(transaction, `${i}-first`);
        await transaction.manager.findOneBy(ApiToken, { name: `${i}-first` });
        if (i % 5 === 0) throw new Error("changed my mind");
        await insert(transaction, `${i}-second`);
      }),
    ),
  );
  expect(outcomes.filter(({ status }) => status === "rejected")).toHaveLength(40);
  const expected = Array.from({ length: 200 }, (_, i) => i)
    .filter((i) => i % 5 !== 0)
    .flatMap((i) => [`${i}-first`, `${i}-second`]);
  expect((await names(database)).sort()).toEqual(expected.sort());
});

it("lets a failing statement of one leave the others whole", async () => {
  const database = await openDatabase();
  const outcomes = await Promise.allSettled(
    ["same", "same", "other"].map((name) => database.write((transaction) => insert(transaction, name))),
  );
  const lost = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
  expect(lost).toHaveLength(1);
  expect(isUniqueViolation(lost[0])).toBe(true);
  expect(outcomes[2]?.status).toBe("fulfilled");
  expect((await names(database)).sort()).toEqual(["other", "same"]);
});

it("shows readers committed rows only", async () => {
  const database = await openDatabase();
  let seenInside: string[] = [];
  await database.write(async (transaction) => {
    await insert(transaction, "pending");
    seenInside = await names(database);
  });
  expect(seenInside).toEqual([]);
  expect(await names(database)).toEqual(["pending"]);
});

it("calls back after the commit, and never after a rollback", async () => {
  const database = await openDatabase();
  const called: string[] = [];
  await database.write((transaction) => {
    transaction.afterCommit(() => called.push("kept"));
    return Promise.resolve();
  });
  const failing = database.write((transaction) => {
    transaction.afterCommit(() => called.push("rolled back"));
    return Promise.reject(new Error("no"));
  });
  await expect(failing).rejects.toThrow("no");
  expect(called).toEqual(["kept"]);
});

it("does last what was to come before the commit, as a part of it that can fail the whole", async () => {
  const database = await openDatabase();
  await database.write(async (transaction) => {
    transaction.beforeCommit(async () => {
      const seen = await transaction.manager.find(ApiToken);
      await insert(transaction, `last of ${seen.length}`);
    });
    await insert(transaction, "first");
    await insert(transaction, "second");
  });
  expect(await names(database)).toEqual(["first", "second", "last of 2"]);
  const failing = database.write(async (transaction) => {
    transaction.beforeCommit(() => Promise.reject(new Error("no")));
    await insert(transaction, "third");
  });
  await expect(failing).rejects.toThrow("no");
  expect(await names(database)).toHaveLength(3);
});

it("keeps milliseconds, far instants and any character", async () => {
  const database = await openDatabase();
  const instant = Date.parse("2199-12-31T23:59:59.987Z");
  await database.write((transaction) => insert(transaction, "søk 日本 🚀 'x' \"y\" \\", instant));
  const [row] = await database.read((manager) => manager.find(ApiToken));
  expect(row).toMatchObject({ createdAt: instant, name: "søk 日本 🚀 'x' \"y\" \\" });
});
