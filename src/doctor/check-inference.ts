import { messageOf } from '../coded-error.ts';
import type { ExecutionProvider } from '../segmentation/inference/execution-provider.ts';
import { loadModel } from '../segmentation/model/model-folder.ts';
import { verifyModel } from '../segmentation/verify-model.ts';
import { type Finding, ok, trouble } from './finding.ts';

export interface InferenceUnderTest {
  readonly executionProviders: readonly ExecutionProvider[];
  readonly threads: number | undefined;
  readonly modelFolder: string;
  /** Of the configured models. */
  readonly models: readonly string[];
}

const CHECK = 'inference';

/**
 * Where another execution provider than the CPU is asked for: does it run a configured model's first network,
 * and answer as the CPU does? Nothing where the CPU alone is asked for, or no model is there to try it with.
 */
export async function checkInference(inference: InferenceUnderTest): Promise<Finding[]> {
  const { executionProviders, threads, modelFolder, models } = inference;
  const [wanted = 'cpu'] = executionProviders;
  const [name] = models;
  if (wanted === 'cpu' || name === undefined) return [];
  const model = await loadModel(name, [modelFolder]).catch(() => undefined);
  if (!model) return []; // The check of the models says why.
  const warnings: string[] = [];
  const options = { threads, executionProviders, onWarning: (warning: string) => warnings.push(warning) };
  try {
    for await (const { executionProvider, secondsPerWindow, selfTest } of verifyModel(model, options)) {
      const speed = `${executionProvider} runs ${name}, ${secondsPerWindow.toFixed(2)} s per window`;
      if (warnings.length > 0) return [unused(wanted, `${speed}; ${warnings.join('; ')}`)];
      if (selfTest?.passed === false) return [unused(wanted, `${speed}, but answers otherwise than the CPU`)];
      return [ok(CHECK, `${speed}${selfTest ? ', answers as the CPU does' : ''}`)];
    }
    return [];
  } catch (error) {
    return [
      trouble(
        CHECK,
        'problem',
        messageOf(error),
        'No study is segmented.',
        'Put cpu at the end of inference.executionProviders, or see docs/gpu.md.',
      ),
    ];
  }
}

const unused = (provider: ExecutionProvider, what: string): Finding =>
  trouble(
    CHECK,
    'warning',
    what,
    `What comes after ${provider} in inference.executionProviders does its work; without it, studies fail.`,
    `Install or update the driver for ${provider} (docs/gpu.md), or leave it out of that list.`,
  );
