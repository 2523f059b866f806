// How long tests ask for something that is sure to come, and how often: generous, for a machine out of breath.

/** For `vi.waitFor` and `expect.poll`; milliseconds. */
export const PATIENCE = { timeout: 15_000, interval: 10 };
