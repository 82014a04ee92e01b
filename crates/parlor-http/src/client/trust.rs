//! What the system trusts, read when a certificate is to be judged.

use parlor_core::{Error, ErrorKind, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;
use std::sync::{Arc, OnceLock};

/// Judges certificates as the system does.
///
/// To read all that a system trusts takes longer than everything else between
/// the start of a program and its first request. A model on this machine, asked
/// without TLS, needs none of it.
#[derive(Debug)]
pub(super) struct SystemTrust {
    provider: Arc<CryptoProvider>,
    verifier: OnceLock<Verifier>,
}

impl SystemTrust {
    /// The trust of this system, the same for all clients; nothing is read yet.
    pub(super) fn shared() -> Arc<Self> {
        static SHARED: OnceLock<Arc<SystemTrust>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| {
            Arc::new(Self {
                provider: choose_provider(),
                verifier: OnceLock::new(),
            })
        });
        Arc::clone(shared)
    }

    /// Sees to it that certificates can be judged.
    ///
    /// # Errors
    /// `Configuration`, when the system trusts nobody.
    pub(super) fn ready(&self) -> Result<()> {
        self.verifier().map(|_| ()).map_err(set_up)
    }

    /// How to speak TLS with hosts that this system trusts.
    ///
    /// # Errors
    /// `Configuration`, when the program's cryptography can't do so.
    pub(super) fn config(self: Arc<Self>) -> Result<ClientConfig> {
        let mut config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(set_up)?
            .dangerous()
            .with_custom_certificate_verifier(self)
            .with_no_client_auth();
        // To what it is given the HTTP client adds nothing.
        if cfg!(feature = "http2") {
            config.alpn_protocols.push(b"h2".to_vec());
        }
        config.alpn_protocols.push(b"http/1.1".to_vec());
        Ok(config)
    }

    fn verifier(&self) -> std::result::Result<&Verifier, rustls::Error> {
        if let Some(verifier) = self.verifier.get() {
            return Ok(verifier);
        }
        let verifier = Verifier::new(self.provider.clone())?;
        Ok(self.verifier.get_or_init(|| verifier))
    }
}

impl ServerCertVerifier for SystemTrust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        self.verifier()?.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier()?.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier()?.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// The cryptography of the program's choice, or ring's where it has chosen none.
pub(super) fn choose_provider() -> Arc<CryptoProvider> {
    // Fails only where the program has chosen.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let chosen = CryptoProvider::get_default().cloned();
    chosen.unwrap_or_else(|| rustls::crypto::ring::default_provider().into())
}

fn set_up(error: rustls::Error) -> Error {
    Error::new(ErrorKind::Configuration, "TLS can't be set up")
        .with_help("Install the system's CA certificates, or name a file of them in SSL_CERT_FILE.")
        .with_source(error)
}
