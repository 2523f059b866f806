// The browsable API pages: Swagger UI from its package, with no address outside the service.
import { createRequire } from "node:module";
import path from "node:path";
import express, { Router } from "express";
import { API } from "../controllers/reply.js";

const assets = path.dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
const SERVED = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Batchline API</title>
    <link rel="icon" href="/api/docs/favicon-32x32.png" />
    <link rel="stylesheet" href="/api/docs/swagger-ui.css" />
  </head>
  <body>
    <div id="ui"></div>
    <script src="/api/docs/swagger-ui-bundle.js"></script>
    <script src="/api/docs/start.js"></script>
  </body>
</html>
`;

// A file of its own, because the Content-Security-Policy forbids scripts inside the page.
const START = `SwaggerUIBundle({ url: "${API}/openapi.json", dom_id: "#ui", deepLinking: true, validatorUrl: null });\n`;

/** Serves the pages below the path it is mounted on. */
export function docsRouter(): Router {
  const router = Router();
  router.get("/", (_request, response) => void response.type("html").send(PAGE));
  router.get("/start.js", (_request, response) => void response.type("text/javascript").send(START));
  router.use((request, _response, next) => next(SERVED.includes(request.path.slice(1)) ? undefined : "router"));
  router.use(express.static(assets, { index: false, maxAge: "1h" }));
  return router;
}
