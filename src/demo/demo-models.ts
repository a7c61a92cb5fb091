import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { MODES } from '../inference-mode.ts';
import { importModel } from '../model-import/import-model.ts';
import { sha256Of } from '../model-import/source-record.ts';
import { calibrationFile, loadModel } from '../segmentation/model/model-folder.ts';
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
 * Those that are there already stay, unless they don't load any more or were made of other networks.
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
    if (!anew && (await isOf(path.join(trainings, task), name, folder))) continue;
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

/** Whether the model is there, of these very checkpoints, and calibrated as they are. */
async function isOf(training: string, name: string, folder: string): Promise<boolean> {
  try {
    const { info, calibrations } = await loadModel(name, [folder]);
    const source = JSON.stringify(info.source);
    const shipped = await readdir(training, { recursive: true });
    const checkpoints = shipped.filter((file) => file.endsWith('.model'));
    const known = await Promise.all(
      checkpoints.map(async (file) => source.includes(await sha256Of(path.join(training, file)))),
    );
    const calibrated = MODES.filter((mode) =>
      shipped.some((file) => path.basename(file) === calibrationFile(mode)),
    );
    return known.every(Boolean) && calibrated.every((mode) => calibrations[mode]);
  } catch (error) {
    if (error instanceof SegmentationError) return false;
    throw error;
  }
}
