import { availableParallelism, totalmem } from 'node:os';
import { messageOf } from '../coded-error.ts';
import { type Finding, ok, trouble } from './finding.ts';

const NODE_NEEDED = 24;
const GIB = 2 ** 30;
/** The program, the network with five folds one after the other, and the embedded database. */
const BASE_GIB = 2;
/**
 * One CT of 512 x 512 x 500 voxels: as stored, resampled, its probabilities, and what resampling holds in
 * between.
 */
const STUDY_GIB = 4;
/** Two hold the demo; PanSegNet's networks take minutes a study on them. */
const CORES_WANTED = 4;

export function checkNodeVersion(version = process.versions.node): Finding {
  const check = 'Node.js';
  if (Number.parseInt(version, 10) >= NODE_NEEDED) return ok(check, `version ${version}`);
  return trouble(
    check,
    'problem',
    `version ${version}`,
    `The program is written and tested for Node.js ${NODE_NEEDED}.`,
    `Install Node.js ${NODE_NEEDED} or newer: https://nodejs.org.`,
  );
}

/** @param bytes what the machine or the container has */
export function checkMemory(concurrency: number, bytes = memoryLimit()): Finding {
  const check = 'memory';
  const has = `${(bytes / GIB).toFixed(1)} GiB`;
  const wanted = BASE_GIB + STUDY_GIB * concurrency;
  if (bytes >= wanted * GIB) return ok(check, has);
  const too = bytes < BASE_GIB * GIB;
  return trouble(
    check,
    too ? 'problem' : 'warning',
    `${has}; ${wanted} GiB are wanted for ${concurrency} studies at a time`,
    too
      ? 'The network alone takes more: the system will end the process in the middle of a study.'
      : 'Small studies work; at a CT of many hundred slices the system may end the process.',
    concurrency > 1
      ? 'Give the machine or container more memory, or set queue.concurrency lower.'
      : 'Give the machine or container more memory.',
  );
}

/** What the container allows, where it does; else what the machine has. */
function memoryLimit(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

export function checkCores(threads: number, cores = availableParallelism()): Finding {
  const check = 'cores';
  if (threads > cores) {
    return trouble(
      check,
      'warning',
      `${cores}, and inference.threads is ${threads}`,
      'Threads that wait for one another make the network slower.',
      'Set inference.threads to 0 (one per core), or to fewer than there are.',
    );
  }
  if (cores >= CORES_WANTED) return ok(check, String(cores));
  return trouble(
    check,
    'warning',
    `${cores}; ${CORES_WANTED} or more are wanted`,
    "A study with PanSegNet's networks takes many minutes on so few.",
    'Give the machine or container more cores, or use a graphics card: docs/gpu.md.',
  );
}

/** The look-back counts calendar days as modalities write them: in the hospital's own time zone. */
export function checkTimeZone(zone = Intl.DateTimeFormat().resolvedOptions().timeZone): Finding {
  const check = 'time zone';
  if (!/^(Etc\/)?(UTC|GMT|UCT|Zulu)$/.test(zone)) return ok(check, zone);
  return trouble(
    check,
    'warning',
    `${zone}, which containers have unless they are told`,
    "watch.lookBack and the hours of routing rules are counted in it; StudyDate is the hospital's day, " +
      'which begins hours earlier or later.',
    "Set the variable TZ to the hospital's, such as TZ=Europe/Berlin; ignore this where the hospital's " +
      'is UTC.',
  );
}

/** @param load the network runtime, as the program loads it */
export async function checkRuntime(load: () => Promise<{ readonly version: string }>): Promise<Finding> {
  const check = 'network runtime';
  try {
    return ok(check, `onnxruntime ${(await load()).version}`);
  } catch (error) {
    return trouble(
      check,
      'problem',
      `onnxruntime cannot be loaded: ${messageOf(error).split('\n')[0]}`,
      'Nothing can be segmented without it.',
      'Install the program anew on this machine: its native parts are for one system (Linux x64 or ' +
        'arm64 with glibc, Windows, macOS).',
    );
  }
}
