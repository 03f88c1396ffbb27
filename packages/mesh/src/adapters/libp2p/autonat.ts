import { type AutoNATComponents, autoNAT } from '@libp2p/autonat';
import { override } from './override.ts';

/**
 * libp2p's autonat, dialling back over a connection of its own. As it is (js-libp2p 3.3, autonat
 * 3.0), the peer that is asked "can you dial me?" finds the connection over which it was asked,
 * takes it for the one it made, sees that the address differs, and closes it: every node with a
 * public address would lose each connection that it makes.
 */
export function dialBack(): (components: AutoNATComponents) => unknown {
  const make = autoNAT({ protocolPrefix: 'libp2p' });
  return (components) => {
    const { connectionManager } = components;
    const forced = override(connectionManager, {
      // Several addresses are its search for peers, which may well be connected already.
      openConnection: (target, options) =>
        connectionManager.openConnection(target, { ...options, force: !Array.isArray(target) }),
    });
    return make(override(components, { connectionManager: forced }));
  };
}
