import path from 'node:path';
import { importModel } from '../model-import/import-model.ts';
import { loadModel } from '../segmentation/model/model-folder.ts';
import { SegmentationError } from '../segmentation/segmentation-error.ts';

/**
 * The demo's networks as nnU-Net v1 training output, the form in which PanSegNet's authors publish theirs.
 */
const DEMO_TRAININGS = path.resolve(import.meta.dirname, '../../models/demo-src');

export const DEMO_NOTICE = 'synthetic demo, not for patients';

const DEMO_MODELS = [
  { name: 'demo-ct', task: 'Task901_DemoCT', modality: 'CT' },
  { name: 'demo-t1w', task: 'Task902_DemoT1', modality: 'T1W' },
  { name: 'demo-t2w', task: 'Task903_DemoT2', modality: 'T2W' },
] as const;

/** The models by what they are for, as the configuration names them. */
export const DEMO_MODEL_NAMES = { CT: 'demo-ct', T1W: 'demo-t1w', T2W: 'demo-t2w' } as const;

/**
 * Imports the demo's models into a folder of models, by the importer that the authors' weights go through.
 * Those that are there already stay, unless they don't load any more.
 *
 * @param trainings nnU-Net v1 training output of the three; default: what is shipped
 * @param onImport called before each model that is imported
 * @throws {SegmentationError} as the importer does
 */
export async function importDemoModels(
  folder: string,
  {
    anew = false,
    trainings = DEMO_TRAININGS,
    onImport,
  }: { anew?: boolean; trainings?: string; onImport?: (name: string) => void } = {},
): Promise<void> {
  for (const { name, task, modality } of DEMO_MODELS) {
    if (!anew && (await isUsable(name, folder))) continue;
    onImport?.(name);
    await importModel({
      source: path.join(trainings, task),
      name,
      modality,
      output: path.join(folder, name),
      replace: true,
      title: `PanSegNet ${modality}, synthetic demo`,
      notice: DEMO_NOTICE,
      // The way in which the training's abdomens were drawn.
      orientation: 'LPS',
    });
  }
}

async function isUsable(name: string, folder: string): Promise<boolean> {
  try {
    await loadModel(name, [folder]);
    return true;
  } catch (error) {
    if (error instanceof SegmentationError) return false;
    throw error;
  }
}
