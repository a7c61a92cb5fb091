import path from 'node:path';
import { expect, it } from 'vitest';
import { browserModules } from '../../src/http/assets/browser-modules.ts';

it('browsers get all that their modules import: one that is missing stops a whole page', async () => {
  const modules = await browserModules();
  const missing = [...modules].flatMap(([address, script]) =>
    [...script.matchAll(/\bfrom\s*'(\.[^']+)'/g)]
      .map(([, imported = '']) => path.posix.join(path.posix.dirname(address), imported))
      .filter((target) => !modules.has(target))
      .map((target) => `${address}: ${target}`),
  );
  expect(modules.size).toBeGreaterThan(5);
  expect(missing).toEqual([]);
});
