import '../../telemetry-off.ts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { elements, type Shape3 } from '../array3.ts';
import { SegmentationError } from '../segmentation-error.ts';
import type { Predict } from './window.ts';

/** Where a network runs: names that onnxruntime knows. Which of them work depends on its installation. */
export type ExecutionProvider = 'cuda' | 'cpu';

/** One fold's network in memory. */
export interface Network {
  readonly predict: Predict;
  /** The one that was taken of those asked for. */
  readonly executionProvider: ExecutionProvider;
  release(): Promise<void>;
}

export interface NetworkOptions {
  /** In order of preference; the CPU alone unless said otherwise. */
  readonly executionProviders?: readonly ExecutionProvider[];
  /** Needs a tenth less memory and 4 % more time: for a process with a single run. */
  readonly sparing?: boolean;
  /** Told of each execution provider that could not be used, and why. */
  readonly onWarning?: (message: string) => void;
}

const INPUT = 'input';
const OUTPUT = 'logits';

/**
 * Loads a network. onnxruntime-node's `run` holds the thread that calls it until the network is through: use
 * a worker where something else has to go on.
 *
 * @param file ONNX with input `input` [batch, 1, z, y, x] and output `logits` [batch, 2, z, y, x], background
 *   first
 * @param threads on the CPU
 * @throws {SegmentationError} MODEL_INVALID; `predict`: INFERENCE_FAILED
 */
export async function openNetwork(
  file: string,
  patchSize: Shape3,
  threads: number,
  { executionProviders = ['cpu'], sparing = false, onWarning }: NetworkOptions = {},
): Promise<Network> {
  const { session, executionProvider } = await openSession(file, threads, {
    executionProviders,
    sparing,
    ...(onWarning && { onWarning }),
  });
  try {
    checkInterface(session, file, patchSize);
  } catch (error) {
    await session.release();
    throw error;
  }
  return {
    predict: (window) => predict(session, file, window, patchSize),
    executionProvider,
    release: () => session.release(),
  };
}

/** With the first execution provider that can be used. */
async function openSession(
  file: string,
  threads: number,
  { executionProviders = [], sparing = false, onWarning }: NetworkOptions,
): Promise<{ session: InferenceSession; executionProvider: ExecutionProvider }> {
  let failure: unknown = new Error('no execution provider is configured');
  for (const [i, executionProvider] of executionProviders.entries()) {
    try {
      const session = await InferenceSession.create(file, {
        intraOpNumThreads: threads,
        executionProviders: [executionProvider],
        // onnxruntime's plan for memory is a third larger than what it takes without one, and no faster:
        // 1.9 and 1.25 GB for a full-size network. Without its arena it would be 1.15 GB, 4 % slower.
        enableMemPattern: false,
        enableCpuMemArena: !sparing,
      });
      return { session, executionProvider };
    } catch (error) {
      failure = error;
      const next = executionProviders[i + 1];
      if (next)
        onWarning?.(`${file}: '${executionProvider}' can't be used, trying '${next}': ${String(error)}`);
    }
  }
  throw new SegmentationError('MODEL_INVALID', `${file} can't be loaded: ${String(failure)}`, {
    cause: failure,
  });
}

function checkInterface(session: InferenceSession, file: string, patchSize: Shape3): void {
  const input = session.inputMetadata.find(({ name }) => name === INPUT);
  const output = session.outputMetadata.find(({ name }) => name === OUTPUT);
  const expectations = [
    [INPUT, input, [1, 1, ...patchSize]],
    [OUTPUT, output, [1, 2, ...patchSize]],
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
): Promise<Float32Array> {
  let logits: Tensor | undefined;
  try {
    const feeds = { [INPUT]: new Tensor('float32', window, [1, 1, ...patchSize]) };
    logits = (await session.run(feeds, [OUTPUT]))[OUTPUT];
  } catch (error) {
    throw new SegmentationError('INFERENCE_FAILED', `${file} failed: ${String(error)}`, { cause: error });
  }
  const values = logits?.data;
  if (!(values instanceof Float32Array) || values.length !== 2 * elements(patchSize)) {
    throw new SegmentationError('INFERENCE_FAILED', `${file} gave ${logits?.dims.join('x') ?? 'no'} logits`);
  }
  return values;
}
