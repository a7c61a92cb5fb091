/**
 * To be imported for its effect, before anything loads onnxruntime: its Linux library collects usage data,
 * writes them below the user's home and sends them to its maker, unless this variable is in the environment
 * of the process. A worker thread has a copy of the environment that the library cannot see, so the main
 * thread has to import this too.
 */
process.env['ORT_DISABLE_TELEMETRY'] = '1';
