import { importDemoModels } from '../../src/demo/demo-models.ts';
import { DEMO_MODELS } from './demo-models.ts';

/** Before all slow tests: the demo's models, as this state of the code imports them. */
export async function setup(): Promise<void> {
  await importDemoModels(DEMO_MODELS, { anew: true });
}
