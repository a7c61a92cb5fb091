import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * Headers that keep browsers careful. Pages load from this node alone, run no inline script or style, and are
 * not framed; pictures may be drawn in the page (data:, blob:).
 */
export function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:', 'blob:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // Patient keys and UIDs are in addresses, which no other site hears of. With no-referrer, forms of our
    // own pages would come with `Origin: null` (Fetch standard, section 3.2) and be refused.
    referrerPolicy: { policy: 'same-origin' },
    xFrameOptions: { action: 'deny' },
    // What is behind a plain connection is an administrator's choice; a browser told once could not come back
    // for a year.
    strictTransportSecurity: false,
  });
}
