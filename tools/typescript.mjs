// Lets Node run the TypeScript sources. Like `--import tsx`, but in worker threads too: there tsx does nothing on Node 20
// (https://github.com/privatenumber/tsx/issues/354), so each thread that loads this file registers it for itself.
import { register } from "tsx/esm/api";

register();
