/**
 * How long a test waits for an event: it ends a test that hangs, and says nothing of how fast the event should
 * come. A machine may be busy with other work.
 */
export const PATIENCE = { timeout: 300_000 };
