import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * Headers that keep browsers careful. Pages load from this node alone, run no inline script or style, and are not framed;
 * pictures may be drawn in the page (data:, blob:).
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
    referrerPolicy: { policy: 'no-referrer' }, // patient keys and UIDs are in addresses
    xFrameOptions: { action: 'deny' },
    // What is behind a plain connection is an administrator's choice; a browser told once could not come back for a year.
    strictTransportSecurity: false,
  });
}
