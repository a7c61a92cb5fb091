import { execFile } from 'node:child_process';
import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { run } from './release.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

const imageOf = z.object({
  Docker: z.object({
    config: z.object({
      User: z.string(),
      WorkingDir: z.string(),
      Env: z.array(z.string()),
      Entrypoint: z.array(z.string()),
      Cmd: z.array(z.string()),
      Volumes: z.record(z.string(), z.unknown()),
      Healthcheck: z.object({ Test: z.array(z.string()) }),
    }),
  }),
});

export interface BuiltImage {
  /** What the image says of itself. */
  readonly user: string;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly volumes: readonly string[];
  readonly healthCheck: readonly string[];
  /** Its files, for this machine's root to look at and to mount on. */
  readonly root: string;
  /** A new, empty folder that belongs to the image's user, as a volume does. */
  newVolume(): Promise<string>;
  remove(): Promise<void>;
}

/**
 * Builds the image as tools/build-image.sh does.
 * @param options of `buildah build`
 */
export async function buildImage(options: readonly string[]): Promise<BuiltImage> {
  const folder = await mkdtemp(path.join(tmpdir(), 'image-'));
  // A folder that stays saves the next run the base.
  const storage = process.env['IMAGE_STORAGE'] ?? path.join(folder, 'storage');
  const script = path.join(ROOT, 'tools/build-image.sh');
  await promisify(execFile)('sh', [script, ...options], {
    env: { ...process.env, STORAGE: storage },
    maxBuffer: 2 ** 26,
  });
  const places = ['--root', path.join(storage, 'images'), '--runroot', path.join(storage, 'run')];
  const buildah = (...words: string[]) =>
    run('buildah', [...places, '--storage-driver', 'vfs', ...words]).trim();
  const { config } = imageOf.parse(
    JSON.parse(buildah('inspect', '--type', 'image', 'pansegnet-node')),
  ).Docker;
  const container = buildah('from', '--pull=never', 'pansegnet-node');
  let volumes = 0;
  return {
    user: config.User,
    folder: config.WorkingDir,
    environment: Object.fromEntries(
      config.Env.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    ),
    entrypoint: config.Entrypoint,
    command: config.Cmd,
    volumes: Object.keys(config.Volumes),
    healthCheck: config.Healthcheck.Test.slice(1),
    root: buildah('mount', container),
    newVolume: async () => {
      const volume = path.join(folder, `volume-${++volumes}`);
      await mkdir(volume, { mode: 0o700 });
      const [uid, gid] = config.User.split(':').map(Number);
      await chown(volume, uid ?? 0, gid ?? 0);
      return volume;
    },
    remove: async () => {
      buildah('rm', container);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
