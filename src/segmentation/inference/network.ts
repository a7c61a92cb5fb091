import type { Shape3 } from '../array3.ts';
import { SegmentationError } from '../segmentation-error.ts';
import { type ExecutionProvider, reasonOf } from './execution-provider.ts';
import { openSession, type Session } from './session.ts';
import type { Predict } from './window.ts';

/** One fold's network in memory. */
export interface Network {
  readonly predict: Predict;
  /** The one that computed last, or will, of those asked for. */
  readonly executionProvider: ExecutionProvider;
  release(): Promise<void>;
}

export interface NetworkOptions {
  /** In order of preference; the CPU alone unless said otherwise. */
  readonly executionProviders?: readonly ExecutionProvider[];
  /** Needs a tenth less memory and 4 % more time: for a process with a single run. */
  readonly sparing?: boolean;
  /** Values that the network gives for a voxel; two unless said otherwise. */
  readonly classes?: number;
  /** Told of each execution provider that could not be used, and why. */
  readonly onWarning?: (message: string) => void;
  /** Tries a network that is not on the CPU; what it throws is why it isn't taken. */
  readonly probe?: (predict: Predict) => Promise<void>;
}

/**
 * Loads a network on the first execution provider that can be used. One that fails later, such as a GPU that
 * is reset or has no memory left, gives way to the next, which computes that window again. onnxruntime-node's
 * `run` holds the thread that calls it until the network is through: use a worker where something else has to
 * go on.
 *
 * @param file ONNX with input `input` [batch, 1, z, y, x] and output `logits` [batch, classes, z, y, x],
 *   background first
 * @param threads on the CPU
 * @throws {SegmentationError} MODEL_INVALID; `predict`: INFERENCE_FAILED
 */
export async function openNetwork(
  file: string,
  patchSize: Shape3,
  threads: number,
  { executionProviders = ['cpu'], sparing = false, classes = 2, onWarning, probe }: NetworkOptions = {},
): Promise<Network> {
  const left = [...executionProviders];
  const open = async (executionProvider: ExecutionProvider): Promise<Session> => {
    const session = await openSession(file, patchSize, { executionProvider, threads, sparing, classes });
    if (executionProvider === 'cpu') return session;
    try {
      await probe?.(session.predict);
      return session;
    } catch (error) {
      await letGo(session);
      throw error;
    }
  };
  const openNext = async (): Promise<Session> => {
    let failure: unknown = new Error('no execution provider is configured');
    for (let provider = left.shift(); provider; provider = left.shift()) {
      try {
        return await open(provider);
      } catch (error) {
        failure = error;
        if (left[0]) onWarning?.(`'${provider}' can't be used, trying '${left[0]}': ${reasonOf(error)}`);
      }
    }
    if (failure instanceof SegmentationError) throw failure;
    throw new SegmentationError('MODEL_INVALID', `${file} can't be loaded: ${reasonOf(failure)}`, {
      cause: failure,
    });
  };

  let session = await openNext();
  const predict: Predict = async (window) => {
    try {
      return await session.predict(window);
    } catch (error) {
      if (!left[0]) throw error;
      onWarning?.(`'${session.executionProvider}' failed, going on with '${left[0]}': ${reasonOf(error)}`);
      await letGo(session);
      session = await openNext();
      return predict(window);
    }
  };
  return {
    predict,
    get executionProvider() {
      return session.executionProvider;
    },
    release: () => session.release(),
  };
}

/** A lost device may refuse even that, and the next provider is not to wait for it. */
async function letGo(session: Session): Promise<void> {
  await session.release().catch(() => undefined);
}
