import { createRequire } from 'node:module';
import dimse from 'dcmjs-dimse';

/**
 * The library prints every message to the console, and the dcmjs that it brings prints what it finds odd,
 * values with it: they may be a patient's.
 */
export function silenceLibrary(): void {
  dimse.log.disableAll(false);
  const ofLibrary = createRequire(createRequire(import.meta.url).resolve('dcmjs-dimse'));
  const dcmjs: Pick<typeof import('dcmjs'), 'log'> = ofLibrary('dcmjs');
  dcmjs.log.setLevel('silent', false);
  dcmjs.log.getLogger('validation.dcmjs').setLevel('silent', false);
}
