// The data source for the TypeORM command line: `npm run migration:run`, `migration:revert`, `migration:generate`.
import { makeDataSource } from "./src/database/data-source.js";
import { loadConfig } from "./src/config.js";

export default makeDataSource(loadConfig().databaseUrl);
