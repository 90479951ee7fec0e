//! nginx in front of a node.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use highwater_process::port;

use crate::{Service, ServiceError, definition::ServiceDefinition, program, proxy};

/// The name on the command line of xtask.
pub(crate) const NAME: &str = "nginx";

/// Starts an nginx that forwards WebSockets and HTTP.
#[derive(Debug)]
pub struct NginxService {
    program: PathBuf,
    port: u16,
    status: u16,
    node: u16,
}

const CONFIG: &str = "nginx.conf";

impl NginxService {
    /// Starts it in front of a node at this port of loopback, which need not be there
    /// yet, and waits until it answers.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start(node: u16) -> Result<Service, ServiceError> {
        Service::start(Self {
            program: program::NGINX.require()?,
            port: port::pick_free_port()?,
            status: port::pick_free_port()?,
            node,
        })
    }
}

impl ServiceDefinition for NginxService {
    fn name(&self) -> &'static str {
        NAME
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn monitor_url(&self) -> Option<String> {
        Some(format!("http://127.0.0.1:{}", self.status))
    }

    fn prepare(&self, directory: &Path) -> io::Result<()> {
        fs::write(directory.join(CONFIG), self.configuration(directory))
    }

    fn server_commands(&self, directory: &Path) -> Result<Vec<Command>, ServiceError> {
        let mut command = Command::new(&self.program);
        // nginx logs to this place until it has read its configuration.
        command.args(["-e", "stderr"]).arg("-p").arg(directory);
        command.arg("-c").arg(directory.join(CONFIG));
        Ok(vec![command])
    }

    fn is_ready(&self) -> bool {
        proxy::is_ready(self.port)
    }
}

impl NginxService {
    /// One process, so that it is gone when it is killed.
    fn configuration(&self, directory: &Path) -> String {
        let (port, status, node) = (self.port, self.status, self.node);
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
        listen 127.0.0.1:{port};
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
}
