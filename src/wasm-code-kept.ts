import { setFlagsFromString } from 'node:v8';

/**
 * To be imported for its effect, before anything compiles WebAssembly (the embedded database, the codecs):
 * when V8 throws away code that it has replaced by faster code, Node 22 to 26 now and then abort the whole
 * process ("Check failed: jit_page_->allocations_.erase(addr) == 1", nodejs/node#64500). Code that is kept
 * costs memory once for each module.
 */
setFlagsFromString('--no-wasm-code-gc');
