import { CODES } from '../results/codes.ts';
import { deviceSerialNumber, deviceUid } from '../results/device.ts';
import { MANUFACTURER, MANUFACTURER_MODEL_NAME } from '../results/own-results.ts';
import { isFormat3 } from '../results/result-format.ts';
import {
  type ContentItem,
  codeContent,
  personContent,
  related,
  textContent,
  uidContent,
} from './content-item.ts';
import type { ReportInput } from './report-input.ts';

/**
 * Who observed: the node, a device (TID 1002 with TID 1004), and the person whose segmentation it measured
 * (TID 1003), where that is known.
 */
export function observerContext({ context, correction }: ReportInput): ContentItem[] {
  const serialNumber = deviceSerialNumber(context);
  const reader = isFormat3(context) ? undefined : correction?.reader;
  return [
    codeContent(CODES.observerType, CODES.device),
    uidContent(CODES.deviceObserverUid, deviceUid(context)),
    textContent(CODES.deviceObserverName, MANUFACTURER_MODEL_NAME),
    textContent(CODES.deviceObserverManufacturer, MANUFACTURER),
    textContent(CODES.deviceObserverModelName, `${MANUFACTURER_MODEL_NAME} ${context.softwareVersion}`),
    textContent(CODES.deviceObserverSerialNumber, serialNumber),
    ...(reader === undefined
      ? []
      : [codeContent(CODES.observerType, CODES.person), personContent(CODES.personObserverName, reader)]),
  ].map((item) => related('HAS OBS CONTEXT', item));
}
