import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe } from 'vitest';

/** Debian's chromium: a Vulkan loader, and a driver in software. */
const FOLDER = '/usr/lib/chromium';
const DRIVER = path.join(FOLDER, 'vk_swiftshader_icd.json');
const LOADER = path.join(FOLDER, 'libvulkan.so.1');

/** With it a process finds SwiftShader, and no other driver. */
export const SWIFTSHADER: NodeJS.ProcessEnv = { VK_ICD_FILENAMES: DRIVER, LD_LIBRARY_PATH: FOLDER };
/** With it a process finds no driver at all, whatever the machine has. */
export const NO_ADAPTER: NodeJS.ProcessEnv = {
  VK_ICD_FILENAMES: '/nowhere.json',
  VK_DRIVER_FILES: '/nowhere.json',
};

/** `describe` that needs SwiftShader: see `describeWith`. */
export function describeOnSwiftShader(name: string, body: () => void): void {
  const absent = [DRIVER, LOADER].filter((file) => !existsSync(file));
  if (absent.length === 0) {
    describe(name, body);
    return;
  }
  const needs = `${absent.join(', ')} (Debian's chromium: apt-get install chromium)`;
  if (process.env['CI']) throw new Error(`${name} needs ${needs}`);
  console.warn(`skipped: ${name}: needs ${needs}`);
  describe.skip(`${name} [needs ${needs}]`, body);
}
