import path from 'node:path';

/** The demo's models, in the checkout; trained on synthetic abdomens only. */
export const DEMO_MODELS = path.resolve(import.meta.dirname, '../../models');
