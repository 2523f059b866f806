// The browsable API pages: everything they need comes from the service itself, and nothing else of the package does.
import { expect, it } from "vitest";
import { startApp } from "../support/app.js";
import { problemOf } from "../support/problems.js";

/** Addresses that would lead a browser elsewhere. */
const OUTSIDE = /(https?:)?\/\/[\w[]/;

it("the pages load, with every script, style and picture they name, from no address outside the service", async () => {
  const { app } = await startApp();
  const page = await fetch(`${app.url}/api/docs`);
  expect(page.headers.get("content-type")).toMatch(/^text\/html/);
  const html = await page.text();
  expect(html).not.toMatch(OUTSIDE);
  expect(html).not.toMatch(/<script>|<style| on\w+=/);
  const named = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1] ?? "");
  expect(named).toHaveLength(4);
  const types: Record<string, RegExp> = { js: /^text\/javascript/, css: /^text\/css/, png: /^image\/png/ };
  for (const address of named) {
    const response = await fetch(new URL(address, `${app.url}/api/docs`));
    expect(new URL(response.url).origin, address).toBe(app.url);
    expect(response.status, address).toBe(200);
    expect(response.headers.get("content-type"), address).toMatch(types[address.split(".").at(-1) ?? ""] ?? /never/);
    expect((await response.arrayBuffer()).byteLength, address).toBeGreaterThan(50);
  }
});

it("the style fetches nothing, and the page starts with our own document and no validator elsewhere", async () => {
  const { app } = await startApp();
  const css = await (await fetch(`${app.url}/api/docs/swagger-ui.css`)).text();
  expect(css).not.toMatch(/@import/);
  const fetched = [...css.matchAll(/url\(\s*["']?([^"')]{0,40})/g)].map((match) => match[1] ?? "");
  expect(fetched.filter((address) => !address.startsWith("data:"))).toEqual([]);
  const start = await (await fetch(`${app.url}/api/docs/start.js`)).text();
  expect(start).not.toMatch(OUTSIDE);
  expect(start).toContain("validatorUrl: null");
  const [, document = ""] = /url: "([^"]+)"/.exec(start) ?? [];
  expect((await fetch(new URL(document, app.url))).headers.get("content-type")).toMatch(/^application\/json/);
});

it("the front door leads to the pages", async () => {
  const { app } = await startApp();
  const door = await fetch(`${app.url}/`, { redirect: "manual" });
  expect([door.status, door.headers.get("location")]).toEqual([302, "/api/docs"]);
});

it("no other file of the package, and none outside of it, is served", async () => {
  const { app } = await startApp();
  const others = [
    "package.json",
    "index.html",
    "swagger-ui.js",
    "swagger-ui.css/",
    "..%2fpackage.json",
    "%2e%2e/x",
    "x",
  ];
  for (const name of others) {
    expect((await problemOf(await fetch(`${app.url}/api/docs/${name}`))).status, name).toBe(404);
  }
});
