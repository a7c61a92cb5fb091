import '../../telemetry-off.ts';
import { listSupportedBackends } from 'onnxruntime-node';

/** Where networks run: onnxruntime's names. Which of them its binary holds differs between systems. */
export const EXECUTION_PROVIDERS = ['webgpu', 'cuda', 'coreml', 'dml', 'cpu'] as const;
export type ExecutionProvider = (typeof EXECUTION_PROVIDERS)[number];

/**
 * What onnxruntime is given for a provider. WebGPU's own choice, channels last, puts a transposition around
 * every convolution, and is no faster.
 */
export const providerSetting = (provider: ExecutionProvider) =>
  provider === 'webgpu' ? ({ name: provider, preferredLayout: 'NCHW' } as const) : provider;

/** @throws {Error} this system's onnxruntime doesn't know the provider */
export function refuseUnknown(provider: ExecutionProvider): void {
  const known = listSupportedBackends().map(({ name }) => name);
  if (known.includes(provider)) return;
  throw new Error(`onnxruntime for ${process.platform} ${process.arch} knows ${known.join(', ')} alone`);
}

/** What onnxruntime says in a line, without the place in its source. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.replace(/\s+/g, ' ').trim();
  return line.replace(/^\/onnxruntime_src\/.* was false\. /, '');
}
