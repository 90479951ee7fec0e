//! nginx in front of a node.

use std::path::Path;

use crate::{
    Service, ServiceError, ServiceKind, program,
    proxy::{self, ProxyKind, ProxyPorts},
};

/// Starts an nginx that forwards WebSockets and HTTP.
#[derive(Debug)]
pub struct NginxService;

impl NginxService {
    /// Starts it in front of a node at this port of loopback, and waits until it answers. The
    /// node may start later.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start(node: u16) -> Result<Service, ServiceError> {
        let nginx = ProxyKind {
            kind: ServiceKind::Nginx,
            program: program::NGINX,
            configuration,
            arguments: |command, directory| {
                // nginx logs to this place until it has read its configuration.
                command.args(["-e", "stderr"]);
                command.arg("-p").arg(directory).arg("-c");
            },
        };
        proxy::start(nginx, node)
    }
}

/// Returns a configuration without worker processes, so that a kill ends all of nginx.
fn configuration(ports: &ProxyPorts, directory: &Path) -> String {
    let ProxyPorts {
        listen,
        status,
        node,
    } = ports;
    let folder = directory.display();
    format!(
        r#"daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{
    worker_connections 4096;
}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map $http_upgrade $connection_upgrade {{
        default upgrade;
        "" "";
    }}
    server {{
        listen 127.0.0.1:{listen};
        location / {{
            proxy_pass http://127.0.0.1:{node};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_read_timeout 1h;
            proxy_buffering off;
        }}
    }}
    server {{
        listen 127.0.0.1:{status};
        location / {{
            stub_status;
        }}
    }}
}}
"#
    )
}
