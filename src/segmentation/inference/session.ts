import '../../telemetry-off.ts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { elements, type Shape3 } from '../array3.ts';
import { networkForGpu } from '../gpu/gpu-network.ts';
import { SegmentationError } from '../segmentation-error.ts';
import { type ExecutionProvider, providerSetting, refuseUnknown } from './execution-provider.ts';
import type { Predict } from './window.ts';

/** A network on one execution provider. */
export interface Session {
  readonly executionProvider: ExecutionProvider;
  readonly predict: Predict;
  /** A second time it does nothing. */
  release(): Promise<void>;
}

export interface SessionOptions {
  readonly executionProvider: ExecutionProvider;
  /** On the CPU. */
  readonly threads: number;
  /** Without onnxruntime's arena. */
  readonly sparing: boolean;
  /** Values that the network gives for a voxel. */
  readonly classes: number;
}

const INPUT = 'input';
const OUTPUT = 'logits';

/**
 * @throws {Error} the provider can't be used, or the file can't be loaded; SegmentationError MODEL_INVALID:
 *   it is another kind of network; `predict`: INFERENCE_FAILED
 */
export async function openSession(
  file: string,
  patchSize: Shape3,
  { executionProvider, threads, sparing, classes }: SessionOptions,
): Promise<Session> {
  refuseUnknown(executionProvider);
  const settings: InferenceSession.SessionOptions = {
    intraOpNumThreads: threads,
    executionProviders: [providerSetting(executionProvider)],
    // onnxruntime's plan for memory is a third larger than what it takes without one, and no faster:
    // 1.9 and 1.25 GB for a full-size network. Without its arena it would be 1.15 GB, 4 % slower.
    enableMemPattern: false,
    enableCpuMemArena: !sparing,
  };
  const session =
    executionProvider === 'cpu'
      ? await InferenceSession.create(file, settings)
      : await openOnGpu(file, patchSize, settings);
  try {
    checkInterface(session, file, patchSize, classes);
  } catch (error) {
    await session.release();
    throw error;
  }
  let isOpen = true;
  return {
    executionProvider,
    predict: (window) => predict(session, file, window, patchSize, executionProvider, classes),
    release: async () => {
      if (isOpen) await session.release();
      isOpen = false;
    },
  };
}

/** A file of another kind, which no import has written, is taken as it is. */
async function openOnGpu(
  file: string,
  patchSize: Shape3,
  settings: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  const forGpu = await networkForGpu(file, patchSize);
  return forGpu ? InferenceSession.create(forGpu, settings) : InferenceSession.create(file, settings);
}

function checkInterface(session: InferenceSession, file: string, patchSize: Shape3, classes: number): void {
  const input = session.inputMetadata.find(({ name }) => name === INPUT);
  const output = session.outputMetadata.find(({ name }) => name === OUTPUT);
  const expectations = [
    [INPUT, input, [1, 1, ...patchSize]],
    [OUTPUT, output, [1, classes, ...patchSize]],
  ] as const;
  for (const [name, metadata, expected] of expectations) {
    const shape = metadata?.isTensor && metadata.type === 'float32' ? metadata.shape : undefined;
    // A dimension with a name instead of a number fits any length.
    const fits = expected.every((length, i) => typeof shape?.[i] === 'string' || shape?.[i] === length);
    if (shape?.length === expected.length && fits) continue;
    throw new SegmentationError(
      'MODEL_INVALID',
      `${file}: '${name}' should be float32 [${expected.join(', ')}], ` +
        `found ${shape ? `[${shape.join(', ')}]` : 'none'}`,
    );
  }
}

async function predict(
  session: InferenceSession,
  file: string,
  window: Float32Array,
  patchSize: Shape3,
  executionProvider: ExecutionProvider,
  classes: number,
): Promise<Float32Array> {
  let logits: Tensor | undefined;
  try {
    const feeds = { [INPUT]: new Tensor('float32', window, [1, 1, ...patchSize]) };
    logits = (await session.run(feeds, [OUTPUT]))[OUTPUT];
  } catch (error) {
    throw new SegmentationError('INFERENCE_FAILED', `${file} failed: ${String(error)}`, { cause: error });
  }
  const values = logits?.data;
  if (!(values instanceof Float32Array) || values.length !== classes * elements(patchSize)) {
    throw new SegmentationError('INFERENCE_FAILED', `${file} gave ${logits?.dims.join('x') ?? 'no'} logits`);
  }
  // What a driver makes of an operator is not ours to trust.
  if (executionProvider !== 'cpu' && !values.every(Number.isFinite)) {
    throw new SegmentationError('INFERENCE_FAILED', `${file} gave logits that are no numbers`);
  }
  return values;
}
