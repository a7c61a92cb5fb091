import { deriveUid } from '../dicom/uids.ts';
import { CODES } from '../results/codes.ts';
import { MANUFACTURER, MANUFACTURER_MODEL_NAME } from '../results/own-results.ts';
import { deviceSerialNumber, type ResultContext } from '../results/result-context.ts';
import { type ContentItem, codeContent, related, textContent, uidContent } from './content-item.ts';

/**
 * Who observed: the node, a device (TID 1002 with TID 1004). Its UID stays the same as long as its serial
 * number does.
 */
export function observerContext(context: ResultContext): ContentItem[] {
  const serialNumber = deviceSerialNumber(context);
  return [
    codeContent(CODES.observerType, CODES.device),
    uidContent(
      CODES.deviceObserverUid,
      deriveUid('device', MANUFACTURER, MANUFACTURER_MODEL_NAME, serialNumber),
    ),
    textContent(CODES.deviceObserverName, MANUFACTURER_MODEL_NAME),
    textContent(CODES.deviceObserverManufacturer, MANUFACTURER),
    textContent(CODES.deviceObserverModelName, `${MANUFACTURER_MODEL_NAME} ${context.softwareVersion}`),
    textContent(CODES.deviceObserverSerialNumber, serialNumber),
  ].map((item) => related('HAS OBS CONTEXT', item));
}
