/**
 * Loaded before the program (`--import`), and before its threads: a module of the segmentation is replaced by
 * the one here that stands for it. BENCH_STUB: segment or network.
 */
import { registerHooks } from 'node:module';

const stub = process.env['BENCH_STUB'];
const replaced =
  stub === 'network' ? '/src/segmentation/inference/network.ts' : '/src/segmentation/segment.ts';

registerHooks({
  resolve: (specifier, context, next) => {
    const resolved = next(specifier, context);
    if (!resolved.url.endsWith(replaced)) return resolved;
    return { ...resolved, url: new URL(`./stub-${stub}.ts`, import.meta.url).href };
  },
});
