/**
 * Loaded before the program (`--import`): the segmentation is replaced by what stands for it here.
 */
import { registerHooks } from 'node:module';

const REPLACED = '/src/segmentation/segment.ts';

registerHooks({
  resolve: (specifier, context, next) => {
    const resolved = next(specifier, context);
    if (!resolved.url.endsWith(REPLACED)) return resolved;
    return { ...resolved, url: new URL(`./stub-segment.ts`, import.meta.url).href };
  },
});
